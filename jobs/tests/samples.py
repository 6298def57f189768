"""Job classes that behave in the ways the tests are about."""

# ruff: noqa: T201 - what a job prints is its log

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from jobs.classes.base import Job


class Echo(Job):
    def run(self, *args: Any) -> Any:
        return list(args)


class Odd(Job):
    def run(self, what: str) -> Any:
        values: dict[str, Any] = {
            "nan": [float("nan"), {"x": float("inf")}],
            "object": Path("/somewhere"),
            "huge": "x" * (2 << 20),
            "keys": {(1, 2): "pair"},
        }
        if what == "circle":
            circle: list[Any] = []
            circle.append(circle)
            return circle
        return values[what]


class Raises(Job):
    def run(self, kind: str = "type") -> Any:
        print("about to fail")
        if kind == "exit":
            sys.exit(4)
        if kind == "text":
            sys.exit("enough is enough")
        if kind == "memory":
            return len(bytearray(1 << 40))
        raise TypeError("a text is not a number")


class Waits(Job):
    def run(self, seconds: float = 60) -> None:
        print("waiting", os.getpid())
        time.sleep(seconds)


class Polite(Job):
    """Ends by itself, and with success, when asked."""

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print("ready")
        time.sleep(60)


class NoJob:
    def run(self) -> None:
        """Looks like one, and is none."""
