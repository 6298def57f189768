"""How many active runs a worker may have."""

from __future__ import annotations

import threading
from collections.abc import Mapping


class Room:
    """Free slots by pool. What finds none waits: beyond a worker's slots, runs are left to others."""

    def __init__(self, slots: Mapping[str, int]) -> None:
        self._free = dict(slots)
        self.closed = False
        self._changed = threading.Condition()

    def take(self, pool: str, most: int) -> int:
        """Waits for a free slot, and takes as many as there are, at most `most`; 0 when the room is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._free[pool] > 0)
            taken = 0 if self.closed else min(self._free[pool], most)
            self._free[pool] -= taken
            return taken

    def give_back(self, pool: str, slots: int = 1) -> None:
        with self._changed:
            self._free[pool] += slots
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody waits any more."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def open(self) -> None:
        """There is room again."""
        with self._changed:
            self.closed = False
            self._changed.notify_all()
