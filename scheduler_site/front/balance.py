"""Shares the number of connections of each web process: the one with the fewest accepts the next."""

from __future__ import annotations

import contextlib
import mmap
import os
import struct

PLACES = 64
_ENTRY = struct.Struct("ii")  # process, connections
# Made before the fork, so that it is one and the same memory.
_shared = mmap.mmap(-1, PLACES * _ENTRY.size)


class Balance:
    """`place`: a number of the process that none of its siblings has (modulo PLACES)."""

    def __init__(self, place: int, shared: mmap.mmap = _shared) -> None:
        self._offset, self._shared = place % PLACES * _ENTRY.size, shared
        self._process = os.getpid()
        self.tell(0)

    def tell(self, connections: int) -> None:
        _ENTRY.pack_into(self._shared, self._offset, self._process, connections)

    def close(self) -> None:
        _ENTRY.pack_into(self._shared, self._offset, 0, 0)

    def others(self) -> list[int]:
        """The connections of each sibling that lives."""
        found = []
        for offset in range(0, PLACES * _ENTRY.size, _ENTRY.size):
            process, connections = _ENTRY.unpack_from(self._shared, offset)
            if process and offset != self._offset and _lives(process):
                found.append(connections)
        return found


def _lives(process: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False
