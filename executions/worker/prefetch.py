"""Prefetching: while runs of code are short, a worker claims more of them than it has slots.

With a claimed run ready for each slot that becomes free, no slot waits for a transaction, and one transaction claims many. But
what is claimed and waits behind a long run waits where others could begin it: so a worker prefetches only after a series of
short ones, no more than will soon have begun, and gives back what waits longer.
"""

from __future__ import annotations

# Seconds that a short run takes, and after which a run that waits in a worker is given back.
SHORT, PATIENCE = 0.25, 1.0
# What is ahead is to begin within about so many seconds, and is never more than so many times the slots: a worker that dies
# takes it along.
SOON, MOST_ROUNDS = 0.1, 4


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
