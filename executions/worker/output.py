"""The output of a run: it is written to the database in chunks; beyond a limit the beginning and the end are kept."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

PIECE = 32 * 1024
EVERY = 1.0
HEAD = 8 * 1024 * 1024
TAIL = 1024 * 1024


class OutputWriter:
    """Collects text from any thread; `write` is called with pieces of it, at most once a second or per 32 Ki characters.

    After the first 8 Mi characters only the last 1 Mi are kept, and written when the run ends.
    """

    def __init__(self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._lock = threading.Lock()
        self._pending: list[str] = []
        self._size = 0
        self._written = 0
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._left_out = 0
        self._flushed_at = self._waits_since = clock()

    def __call__(self, text: str) -> None:
        with self._lock:
            if self._written + self._size >= HEAD:
                self._keep_tail(text)
                return
            if not self._pending:
                self._waits_since = self._clock()
            self._pending.append(text)
            self._size += len(text)
            if self._size >= PIECE or self._clock() - self._flushed_at >= EVERY:
                self._flush()

    def flush(self) -> None:
        """Writes what has waited for a second; called every second by the watch, since a silent run triggers nothing."""
        with self._lock:
            if self._clock() - self._waits_since >= EVERY:
                self._flush()

    def close(self) -> None:
        with self._lock:
            self._flush()
            if self._tail_size:
                gap = f"\n[... {self._left_out} characters left out ...]\n" if self._left_out else ""
                self._write(gap + "".join(self._tail))
                self._tail.clear()
                self._tail_size = 0

    def _flush(self) -> None:
        self._flushed_at = self._clock()
        if not self._pending:
            return
        text = "".join(self._pending)
        self._pending, self._size = [], 0
        self._written += len(text)
        self._write(text)

    def _keep_tail(self, text: str) -> None:
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > TAIL and len(self._tail) > 1:
            dropped = len(self._tail.popleft())
            self._tail_size -= dropped
            self._left_out += dropped
