"""Reading what a run wrote: its end for the page, its growth for the live part, all of it as text.

What a progress bar writes over again with carriage returns is shown as a terminal shows it: one line, as it was written last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Sum
from django.db.models.functions import Length
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _

from executions.models import Execution, LogChunk

LIMIT = 64 * 1024  # characters shown at once
CHUNKS = 20  # read at once where all of a log is written


@dataclass(frozen=True)
class Output:
    """A piece of a log: whole lines, then `line`, which has no end yet and may be written over.

    `last` is the key of its last chunk; more lies before it (`cut`) or after it (`more`). `total`: the characters of the
    whole log, where `cut`.
    """

    text: str = ""
    line: str = ""
    last: int = 0
    cut: bool = False
    more: bool = False
    total: int = 0

    @property
    def shown(self) -> int:
        return len(self.text) + len(self.line)


def tail(execution: Execution) -> Output:
    """The last 64 Ki characters."""
    chunks: list[LogChunk] = []
    size, cut = 0, False
    for chunk in execution.log.order_by("-id").iterator(chunk_size=50):
        if size >= LIMIT:
            cut = True
            break
        chunks.append(chunk)
        size += len(chunk.text)
    chunks.reverse()
    text = "".join(_texts(chunks, 0))
    lines, line = _in_lines(text[-LIMIT:])
    cut = cut or len(text) > LIMIT
    total = execution.log.aggregate(total=Sum(Length("text")))["total"] if cut else 0
    return Output(lines, line, chunks[-1].pk if chunks else 0, cut, total=total)


def after(execution: Execution, last: int) -> Output:
    """What has been written since the chunk `last`, 64 Ki characters or one chunk at the most.

    It begins with the beginning of its line, when that is in an earlier chunk.
    """
    begun, attempt = _begun(execution, last)
    chunks: list[LogChunk] = []
    size = 0
    for chunk in execution.log.filter(pk__gt=last).order_by("id").iterator(chunk_size=50):
        chunks.append(chunk)
        size += len(chunk.text)
        if size >= LIMIT:
            break
    lines, line = _in_lines(begun + "".join(_texts(chunks, attempt)))
    return Output(lines, line, chunks[-1].pk if chunks else last, more=size >= LIMIT)


def _begun(execution: Execution, last: int) -> tuple[str, int]:
    """The line that has no end yet with the chunk `last`, and the attempt that writes it."""
    pieces: list[str] = []
    size = attempt = 0
    for chunk in execution.log.filter(pk__lte=last).order_by("-id").iterator(chunk_size=5):
        if attempt and chunk.attempt != attempt:
            break
        attempt = chunk.attempt
        _before, end, piece = chunk.text.rpartition("\n")
        pieces.append(piece)
        size += len(piece)
        if end or size >= LIMIT:
            break
    return "".join(reversed(pieces))[-LIMIT:], attempt


def _in_lines(text: str) -> tuple[str, str]:
    """The whole lines, and the one that has no end yet; both as they are shown."""
    before, end, line = text.rpartition("\n")
    return as_shown(before) + end, as_shown(line)


def as_shown(text: str) -> str:
    """Of each line what stands after its last carriage return; one before the line's end belongs to that end."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def whole(execution: Execution) -> StreamingHttpResponse:
    """All of the output as it was written, as plain text that no browser takes for anything else."""
    return StreamingHttpResponse(
        _texts(_chunks(execution), 0),
        content_type="text/plain; charset=utf-8",
        headers={
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _chunks(execution: Execution) -> Iterator[LogChunk]:
    """All, some at a time, each time by a query of its own: what is written at the reader's pace goes on in another thread."""
    last = 0
    while chunks := list(execution.log.filter(pk__gt=last).order_by("pk")[:CHUNKS]):
        yield from chunks
        last = chunks[-1].pk


def _texts(chunks: Iterator[LogChunk] | list[LogChunk], attempt: int) -> Iterator[str]:
    """The texts in order, with a line between two attempts."""
    for chunk in chunks:
        if attempt and chunk.attempt != attempt:
            yield "\n--- {} ---\n".format(_("attempt %(number)d") % {"number": chunk.attempt})
        attempt = chunk.attempt
        yield chunk.text
