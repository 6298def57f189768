"""How long a writer waits for more before it takes what there is: a batch costs more than a run in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Within so long after a batch the worker counts as busy, and waits for more while more comes, so many times a moment.
BUSY, MOMENTS, MOMENT = 0.05, 3, 0.001
# While each slot has its next run in hand: so many times as long as the last batch took, within BUSY; looked at so often.
PAUSES, LOOK = 3.0, 0.005


class Pace:
    """has_ahead: whether claimed runs wait for their slots, so that nothing is won by claims and outcomes in small batches."""

    def __init__(self, has_ahead: Callable[[], bool]) -> None:
        self._has_ahead = has_ahead
        self._hurry = threading.Event()
        self._began = time.monotonic()
        self._ended = self._took = 0.0

    def begin(self) -> None:
        """A batch begins."""
        self._began = time.monotonic()

    def end(self) -> None:
        """It is written."""
        self._ended = time.monotonic()
        self._took = self._ended - self._began

    def hurry(self) -> None:
        """Something came for which slots wait."""
        self._hurry.set()

    @property
    def is_busy(self) -> bool:
        return time.monotonic() - self._ended < BUSY

    def gather(self, waiting: Callable[[], int], most: int) -> None:
        """Returns when it is time for the next batch. waiting: how many wait to be in it, of which it takes `most`."""
        if not self.is_busy:
            return
        until = self._ended + min(PAUSES * self._took, BUSY)
        while self._has_ahead() and time.monotonic() < until and waiting() < most:
            if self._hurry.wait(LOOK):
                break
        self._hurry.clear()
        for _ in range(MOMENTS):
            before = waiting()
            time.sleep(MOMENT)
            if waiting() == before:
                return
