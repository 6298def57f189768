"""A script's output on its way to the run's log, and the lines that Belfry adds to it."""

from __future__ import annotations

import time
from collections.abc import Callable

from .progress_lines import Reducer

PREFIX = "[Belfry] "


class Output:
    """A log that leaves out what progress bars write over; called from one thread."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._reducer = Reducer()
        self._in_line = False

    def __call__(self, text: str) -> None:
        self._pass_on(self._reducer.feed(text, time.monotonic()))

    def tick(self) -> None:
        """A state that has waited long enough is shown although nothing follows it."""
        self._pass_on(self._reducer.tick(time.monotonic()))

    def finish(self) -> None:
        self._pass_on(self._reducer.finish())

    def note(self, text: str) -> None:
        """A line of Belfry's own."""
        self._pass_on(("\n" if self._in_line else "") + PREFIX + text + "\n")

    def _pass_on(self, text: str) -> None:
        if text:
            self._in_line = not text.endswith("\n")
            self._log(text)
