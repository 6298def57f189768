"""Ends a process that is alive but makes no progress, so that the supervisor restarts it.

Each thread notes when it last made progress. This one uses neither the database nor the broker, which may hang.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

log = logging.getLogger("executions.worker.watchdog")

POLL_SECONDS = 5.0
# So many checks in a row must fail: after a process was frozen, its threads need a moment.
STRIKES = 3
# EX_SOFTWARE of sysexits(3).
STATUS = 70


@dataclass(frozen=True)
class ThreadProgress:
    """The last progress of a thread (by time.monotonic()), and after how many seconds without any it counts as hung."""

    name: str
    at: float
    limit: float
    alive: bool = True

    @property
    def is_bad(self) -> bool:
        return not self.alive or time.monotonic() - self.at > self.limit


class Watchdog(threading.Thread):
    """`end` is called with the name of the thread that stands still; it does not return."""

    def __init__(
        self,
        signs: Callable[[], Iterable[ThreadProgress]],
        stopping: threading.Event,
        end: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._signs, self._stopping, self._end = signs, stopping, end or end_process

    def run(self) -> None:
        strikes: dict[str, int] = {}
        while not self._stopping.wait(POLL_SECONDS):
            bad = [sign.name for sign in self._signs() if sign.is_bad]
            strikes = {name: strikes.get(name, 0) + 1 for name in bad}
            if wedged := [name for name, count in strikes.items() if count >= STRIKES]:
                self._end(wedged[0])
                return


def end_process(name: str) -> None:
    """At once: what stands still does not end in good order. Nothing that goes wrong with the log keeps it from ending."""
    try:
        log.critical("wedged", extra={"what": name})
        logging.shutdown()
    finally:
        os._exit(STATUS)
