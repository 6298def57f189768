"""Writes the output of the supervisor and its programs: whole lines, each with the name of its program."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import IO, TextIO

from scheduler_site.lib.text import inert_line

_WIDTH = 11
_LONGEST_LINE = 16 * 1024


class Console:
    """Writes lines in a separate thread, so that a closed or slow terminal blocks nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=10_000)
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def say(self, text: str, name: str = "belfry") -> None:
        """Queues a line; drops it if ten thousand lines are waiting."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(f"{name:<{_WIDTH}}| {text}\n")

    def follow(self, name: str, pipe: IO[bytes]) -> None:
        """Passes on what is written into the pipe, until its end."""
        threading.Thread(target=self._follow, args=(name, pipe), daemon=True).start()

    def close(self, seconds: float = 2) -> None:
        """Writes what is waiting, in this time."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._writer.join(seconds)

    def _follow(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(_LONGEST_LINE):
                if text := line.decode(errors="replace").rstrip():
                    self.say(inert_line(text), name)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(line)
                self._stream.flush()
