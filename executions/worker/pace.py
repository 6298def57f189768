"""The pace of a worker: how many runs it claims ahead of its slots, and how long its writer waits for more.

Prefetching: while runs of code are short, a worker claims more of them than it has slots. With a claimed run ready for each
slot that becomes free, no slot waits for a transaction, and one transaction claims many. But what is claimed and waits behind
a long run waits where others could begin it: so a worker prefetches only after a series of short ones, no more than will soon
have begun, and gives back what waits longer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Seconds that a short run takes, and after which a run that waits in a worker is given back.
SHORT, PATIENCE = 0.25, 1.0
# What is ahead is to begin within about so many seconds, and is never more than so many times the slots: a worker that dies
# takes it along.
SOON, MOST_ROUNDS = 0.1, 4

# Within so long after a batch the worker counts as busy, and waits for more while more comes, so many times a moment.
BUSY, MOMENTS, MOMENT = 0.05, 3, 0.001
# While each slot has its next run in hand: so many times as long as the last batch took, within BUSY; looked at so often.
PAUSES, LOOK = 3.0, 0.005


class Prefetch:
    """How many runs may be claimed beyond the slots."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._short = 0
        self._usual = SHORT

    def ended(self, seconds: float) -> int:
        """A run has ended after so long; how many may be ahead now."""
        self._short = self._short + 1 if seconds < SHORT else 0
        self._usual += (seconds - self._usual) / (2 * self._slots)
        if self._short < 2 * self._slots:
            return 0
        return self._slots * min(max(int(SOON / max(self._usual, 0.001)), 1), MOST_ROUNDS)

    def stuck(self) -> None:
        """Something waited for too long: short ones have to follow each other again first."""
        self._short = 0


class Gathering:
    """How long the writer waits for more before it takes what there is: a batch costs more than a run in it.

    has_ahead: whether claimed runs wait for their slots, so that nothing is won by claims and outcomes in small
    batches.
    """

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
