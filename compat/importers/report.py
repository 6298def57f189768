"""The report of an import: one line for each row, and where the times of a job will differ."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

TIMES = 10
Fate = Literal["new", "here", "error"]
WORDS: dict[Fate, str] = {"new": "new", "here": "is here already", "error": "ERROR"}


@dataclass
class Row:
    """One row of the old system: what it is, what becomes of it, and what to know of it."""

    kind: str
    name: str
    fate: Fate = "new"
    notes: list[str] = field(default_factory=list)
    before: list[dt.datetime] = field(default_factory=list)
    after: list[dt.datetime] = field(default_factory=list)
    zone: str = "UTC"

    @property
    def differs(self) -> bool:
        return self.before != self.after

    def lines(self) -> Iterator[str]:
        yield f"{self.kind} {self.name}: {WORDS[self.fate]}"
        yield from (f"    {detail}" for detail in self.details())

    def details(self) -> Iterator[str]:
        """The notes and the times."""
        yield from self.notes
        if self.before or self.after:
            yield f"next times ({self.zone}): {self._times(self.after) or 'none'}"
        if self.differs:
            yield f"DIFFERENT, it was: {self._times(self.before) or 'none'}"

    def _times(self, times: list[dt.datetime]) -> str:
        zone = ZoneInfo(self.zone)
        return ", ".join(time.astimezone(zone).isoformat(sep=" ", timespec="minutes") for time in times)


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """The whole report, with a count at its end."""
    rows = list(rows)
    for row in rows:
        yield from row.lines()
    counts = {fate: sum(row.fate == fate for row in rows) for fate in WORDS}
    different = sum(row.differs for row in rows)
    yield (
        f"{counts['new']} new, {counts['here']} here already, {counts['error']} with errors; "
        f"{different} with times that will differ."
    )
