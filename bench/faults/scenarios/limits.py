"""What the system gives a process is used up for a while: threads, file descriptors."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench.faults.trial import Trial, Unavailable

GROUPS = Path("/sys/fs/cgroup/pids")
SECONDS = 15


def threads_used_up(trial: Trial) -> None:
    """neither workers nor beat can start a thread or a process for 15 s"""
    if not os.access(GROUPS, os.W_OK) or not (GROUPS / "cgroup.procs").exists():
        raise Unavailable("there is no cgroup of processes that this account may change")
    group = GROUPS / f"belfry-bench-{os.getpid()}"

    def hurt() -> None:
        group.mkdir()
        for process in _family(trial):
            with suppress(OSError):
                (group / "cgroup.procs").write_text(str(process.pid))
        (group / "pids.max").write_text((group / "pids.current").read_text())
        time.sleep(SECONDS)
        (group / "pids.max").write_text("max")
        trial.notes.append(f"refused {(group / 'pids.events').read_text().split()[-1]} times")

    def back() -> None:
        for pid in (group / "cgroup.procs").read_text().split() if group.exists() else ():
            with suppress(OSError):
                (GROUPS / "cgroup.procs").write_text(pid)
        with suppress(OSError):
            group.rmdir()

    trial.after.callback(back)
    trial.under_load(hurt, after=25)
    _alive(trial)


def descriptors_used_up(trial: Trial) -> None:
    """workers and beat can open nothing more for 15 s: no file, no connection, no pipe"""

    def hurt() -> None:
        limits = {}
        for process in _family(trial):
            with suppress(psutil.Error, OSError):
                limits[process.pid] = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
                highest = max((int(one.name) for one in Path(f"/proc/{process.pid}/fd").iterdir()), default=0)
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (highest + 1, limits[process.pid][1]))
        time.sleep(SECONDS)
        for pid, limit in limits.items():
            with suppress(OSError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)

    trial.under_load(hurt, after=25)
    _alive(trial)


def _family(trial: Trial) -> list[psutil.Process]:
    """The programs with what they have started, but not the code of jobs."""
    found = []
    for name in ("beat", "io", "code", "system"):
        with suppress(psutil.Error):
            found += [psutil.Process(trial.system.pid(name)), *trial.system.starters(name)]
    return found


def _alive(trial: Trial) -> None:
    trial.wrong += [
        f"the {name} ended" for name in ("beat", "io", "code", "system") if trial.system.ended(name)
    ]
