"""Short ways to run a child, and to find what is left of one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

import psutil

from jobs.children.client import Client, run
from jobs.children.values import Finished, Limits, Request


class Stopwatch:
    """A log that remembers, and can set something off once it has seen a text."""

    def __init__(self, until: str = "", then: Callable[[], object] = lambda: None) -> None:
        self.text = ""
        self._until, self._then = until, then

    def __call__(self, text: str) -> None:
        self.text += text
        if self._until and self._until in self.text:
            self._until = ""
            self._then()


def run_child(
    request: Request,
    *,
    timeout: float = 20.0,
    stop_grace: float = 1.0,
    cancelled: threading.Event | None = None,
    log: Stopwatch | None = None,
    limits: Limits | None = None,
    client: Client | None = None,
) -> tuple[Finished, str]:
    log = log or Stopwatch()
    finished = (client.run if client else run)(
        request,
        timeout=timeout,
        stop_grace=stop_grace,
        cancelled=cancelled or threading.Event(),
        log=log,
        limits=limits,
    )
    return finished, log.text


def marker() -> str:
    """A text to put on command lines, by which processes are found again."""
    return f"marker-{uuid.uuid4().hex}"


def marked(mark: str) -> list[int]:
    """The living processes that carry the mark."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE and mark in " ".join(process.info["cmdline"] or [])
    ]


def eventually(condition: Callable[[], object], seconds: float = 15.0) -> bool:
    """Whether the condition comes true within a generous time."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True
