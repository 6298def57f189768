"""Searching all of a log, a piece at a time: bounded in memory and in time, whatever was written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from executions.models import Execution
from executions.monitoring import logs
from scheduler_site.lib import ansi

MOST_SIGNS = 200  # of what is searched for
SHOWN = 100  # lines that are listed
SECONDS = 2.0
LINE = 300  # characters of a line that are listed


@dataclass
class Hit:
    """A line that has what was searched for; of a long one the surroundings."""

    number: int
    before: str
    match: str
    after: str


@dataclass
class Found:
    """`count` lines of `lines`; `complete`: the whole log was read, and not only what there was time for."""

    count: int = 0
    lines: int = 0
    hits: list[Hit] = field(default_factory=list)
    complete: bool = True

    @property
    def more(self) -> int:
        return self.count - len(self.hits)


def search(execution: Execution, attempt: int, text: str) -> Found:
    """The lines that contain the text as they are shown, in capitals or not."""
    wanted, found, until = text.casefold(), Found(), time.monotonic() + SECONDS
    for block in _blocks(execution, attempt):
        if wanted in block.casefold():
            _look(block, wanted, found)
        found.lines += block.count("\n")
        if time.monotonic() > until:
            found.complete = False
            break
    return found


def _blocks(execution: Execution, attempt: int) -> Iterator[str]:
    """Whole lines, as they are shown; a line that is longer than what is shown at once is cut."""
    begun = ""
    for chunk in logs.chunks(logs.of(execution, attempt)):
        lines, end, rest = (begun + chunk.text).rpartition("\n")
        begun = rest[-logs.LIMIT :]
        if end:
            yield ansi.plain(logs.as_shown(lines)) + "\n"
    if begun:
        yield ansi.plain(logs.as_shown(begun)) + "\n"


def _look(block: str, wanted: str, found: Found) -> None:
    for number, line in enumerate(block.split("\n")[:-1], found.lines + 1):
        if wanted in line.casefold():
            found.count += 1
            if len(found.hits) < SHOWN:
                found.hits.append(_hit(number, line, wanted))


def _hit(number: int, line: str, wanted: str) -> Hit:
    """Where folding changed lengths, the mark may lie a little beside the match."""
    at = line.casefold().find(wanted)
    start, end = max(0, at - LINE // 3), at + len(wanted)
    before = ("…" if start else "") + line[start:at]
    after = line[end : start + LINE] + ("…" if len(line) > start + LINE else "")
    return Hit(number, before, line[at:end], after)
