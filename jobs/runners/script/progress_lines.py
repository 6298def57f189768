"""Thins out progress bars: of a line that is overwritten with carriage returns, one state a second is kept."""

from __future__ import annotations

import re

EVERY = 1.0  # seconds between two states of one line
LONGEST = 64 * 1024  # characters of a state that wait
_LINE_END = re.compile(r"(?<!\r)\r++\n")  # a row of them is looked through once, not from each of them


class Reducer:
    """Text in, less text out. `\\r\\n` is a line end; the last state of a line is never left out.

    A state that is shown comes as `\\r` and its text, so that of each line counts what stands after its last `\\r`.
    """

    def __init__(self) -> None:
        self._return = False  # a `\r` came last: it may still become a line end
        self._held: str | None = None  # the state that waits; None while the line is shown as it comes
        self._shown = False  # whether anything of the current line was shown
        self._shown_at = float("-inf")

    def feed(self, text: str, now: float) -> str:
        """What is to be shown of it now. `now`: seconds of any steady clock."""
        if self._return:
            text, self._return = "\r" + text, False
        if text.endswith("\r"):
            text, self._return = text.rstrip("\r"), True
        if self._held is None and "\r" not in text:
            self._shown = not text.endswith("\n") if text else self._shown
            return text
        *lines, rest = _LINE_END.sub("\n", text).split("\n")
        shown: list[str] = []
        for line in lines:
            self._take(line, shown)
            self._show(shown, now)
            shown.append("\n")
            self._held, self._shown = None, False
        self._take(rest, shown)
        if self._is_due(now):
            self._show(shown, now)
        return "".join(shown)

    def tick(self, now: float) -> str:
        """To be asked when nothing came for a while: the state that has waited long enough."""
        shown: list[str] = []
        if self._held and self._is_due(now):
            self._show(shown, now)
        return "".join(shown)

    def finish(self) -> str:
        """What still waits, when nothing more will come."""
        shown: list[str] = []
        self._show(shown, self._shown_at)
        return "".join(shown)

    def _take(self, line: str, shown: list[str]) -> None:
        _before, rewound, state = line.rpartition("\r")
        if rewound:
            self._held = state
        elif self._held is not None:
            self._held += state
        elif state:
            shown.append(state)
            self._shown = True

    def _is_due(self, now: float) -> bool:
        return now - self._shown_at >= EVERY or len(self._held or "") > LONGEST

    def _show(self, shown: list[str], now: float) -> None:
        """An empty state shows nothing: the cursor is at the start, and what was written is still to be seen."""
        if self._held:
            shown.append(("\r" if self._shown else "") + self._held)
            self._shown, self._held, self._shown_at = True, None, now
