"""A server that notes the calls of webhook jobs in the same file: `python -m bench.faults.recorder PORT FILE`."""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.faults.jobs import shown_time


class Recorder(BaseHTTPRequestHandler):
    """Path `/<job>/<seconds>`: notes the start, waits, notes the end, answers 200."""

    traces: Path

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        job, seconds = self.path.strip("/").split("/")
        self._note("start", job)
        time.sleep(float(seconds))
        self._note("end", job)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing: the file does."""

    def _note(self, event: str, job: str) -> None:
        line = {
            "event": event,
            "job": job,
            "slot": self.headers.get("X-Belfry-Slot", ""),
            "run": self.headers.get("X-Belfry-Run", ""),
            "attempt": 1,
            "pid": os.getpid(),
            "at": shown_time(self.traces),
        }
        descriptor = os.open(self.traces, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, json.dumps(line).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


if __name__ == "__main__":
    Recorder.traces = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Recorder).serve_forever()
