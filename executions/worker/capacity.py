"""How many active runs a worker may have."""

from __future__ import annotations

import threading
from collections.abc import Mapping


class Capacity:
    """Free slots by pool. What finds none waits: beyond a worker's slots, and what it may have ahead of them, runs are left to
    others."""

    def __init__(self, slots: Mapping[str, int]) -> None:
        # Below nothing: so many are ahead of the slots.
        self._free = dict(slots)
        self._ahead = dict.fromkeys(slots, 0)
        # The pools in which all was taken: there, what is ahead is taken again only when half of it has begun.
        self._full: set[str] = set()
        self.closed = False
        self._changed = threading.Condition()

    def take(self, pool: str, most: int) -> int:
        """Waits for a free slot, and takes as many as there are, at most `most`; 0 when it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._has_room(pool))
            taken = 0 if self.closed else min(self._left(pool), most)
            self._free[pool] -= taken
            if not self._left(pool):
                self._full.add(pool)
            return taken

    def _left(self, pool: str) -> int:
        return self._free[pool] + self._ahead[pool]

    def _has_room(self, pool: str) -> bool:
        """A claim costs more than a run in it: while each slot has its next run, it is to be of many."""
        left = self._left(pool)
        if self._free[pool] > 0 or 2 * left >= self._ahead[pool]:
            self._full.discard(pool)
        return left > 0 and pool not in self._full

    def has_ahead(self, pool: str) -> bool:
        """Whether runs are waiting here for a slot."""
        return self._free[pool] < 0

    def allow_ahead(self, pool: str, runs: int) -> None:
        """So many may be taken beyond the slots from now on; what is taken already stays."""
        if self._ahead[pool] != runs:
            with self._changed:
                self._ahead[pool] = runs
                self._changed.notify_all()

    def give_back(self, pool: str, slots: int = 1) -> None:
        with self._changed:
            self._free[pool] += slots
            if self._has_room(pool):
                self._changed.notify_all()

    def close(self) -> None:
        """Wakes all who wait; nothing can be taken any more."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def open(self) -> None:
        """Reopens it."""
        with self._changed:
            self.closed = False
            self._changed.notify_all()
