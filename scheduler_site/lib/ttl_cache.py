"""Answers that are remembered for a moment: however many ask, the database is asked once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class TTLCache(Generic[Answer]):
    """Asks at most every `seconds`, and one thread at a time; the others wait for its answer.

    The memory is that of one process. What the question raises is raised, and not remembered.
    """

    def __init__(self, ask: Callable[[], Answer], seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._lock = threading.Lock()
        self._known: tuple[float, Answer] | None = None

    def __call__(self) -> Answer:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > self._seconds:
                answer = self._ask()
                self._known = (time.monotonic(), answer)
            return self._known[1]

    def forget(self) -> None:
        with self._lock:
            self._known = None
