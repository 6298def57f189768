"""What the bench runs: job classes that leave a trace outside the database."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from pathlib import Path
from typing import Any

from jobs.classes.base import Job

MEMORY = 256 * 1024 * 1024
# Beside the traces: how far the clock of the trial is from that of the machine, in seconds.
SHOWN = "shown-clock"


def shown_time(path: str | Path) -> float:
    """What the trial's clock shows: jobs have none of the variables that set the clock of Belfry's programs."""
    clock = Path(path).with_name(SHOWN)
    return time.time() + (float(clock.read_text()) if clock.exists() else 0.0)


def trace(path: str, event: str) -> None:
    """Appends one line, durably: whatever is killed next, this happened."""
    line = {
        "event": event,
        "job": os.environ.get("BELFRY_JOB", ""),
        "slot": os.environ.get("BELFRY_SLOT", ""),
        "run": os.environ.get("BELFRY_RUN_ID", ""),
        "attempt": int(os.environ.get("BELFRY_ATTEMPT", "0")),
        "pid": os.getpid(),
        "at": shown_time(path),
    }
    descriptor = os.open(Path(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Mark(Job):
    """Notes its start, works for some seconds, notes its end; or ends badly on the way."""

    notes = "Used by the fault bench."

    def run(self, path: str, seconds: float = 0.0, ending: str = "well", *_: Any) -> None:
        trace(path, "start")
        time.sleep(seconds)
        if ending == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        if ending == "killed":  # as the kernel does when memory runs out
            os.kill(os.getpid(), signal.SIGKILL)
        if ending == "memory":
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            bytearray(4 * MEMORY)
        trace(path, "end")
