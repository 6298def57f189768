"""Reading what an attempt wrote: its end or a part of it for the page, its growth for the live part, all of it as text.

What is shown is bounded, in characters and in lines, however long the log is. A line is what ends with a line end; what a
progress bar writes over again with carriage returns is one line, shown as it was written last (scheduler_site/lib/ansi.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Length, Replace
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _

from executions.models import Execution, LogChunk

LIMIT = 64 * 1024  # characters shown at once
MOST_LINES = 2000  # lines shown at once
CONTEXT = 20  # lines shown before the one that is asked for
CHUNKS = 20  # read at once where all of a log is read
# Counted when they were written; those of older releases are counted now.
ENDS = Coalesce("ends", Length("text") - Length(Replace("text", Value("\n"), Value(""))))
SIZE = Coalesce("size", Length("text"))


@dataclass(frozen=True)
class LogExcerpt:
    """Consecutive lines of a log: whole ones, then `line`, which has no end yet and may be written over.

    `first` is the number of the first of them. More lies before it (`before`) or after it (`after`); then `total` has the
    lines and the characters of the whole log. `last` is the key of the last chunk that was read.
    """

    text: str = ""
    line: str = ""
    first: int = 1
    last: int = 0
    before: bool = False
    after: bool = False
    total: tuple[int, int] = (0, 0)

    @property
    def shown(self) -> int:
        return len(self.text) + len(self.line)

    @property
    def following(self) -> int:
        """The number of the line without an end, or of the one that comes next."""
        return self.first + self.text.count("\n")

    @property
    def final(self) -> int:
        """The number of the last line that is shown."""
        return self.following if self.line else self.following - 1

    @property
    def cut(self) -> bool:
        return self.before or self.after


# Parts ------------------------------------------------------------------------------------------------------------------


def tail(execution: Execution, attempt: int) -> LogExcerpt:
    """The end of the log."""
    rows = of(execution, attempt)
    chunks, more = _backwards(rows)
    text, cut = _last("".join(chunk.text for chunk in chunks), more)
    last = chunks[-1].pk if chunks else 0
    if not cut:
        return _piece(text, 1, last=last)
    ends, size = _counted(rows.filter(pk__lte=last))
    first = ends - text.count("\n") + 1
    return _piece(text, first, last=last, before=True, total=(_lines(ends, text), size))


def around(execution: Execution, attempt: int, line: int) -> LogExcerpt:
    """A line with some before it, and what follows; of a number beyond the end the end."""
    rows, first = of(execution, attempt), max(1, line - CONTEXT)
    if (place := _place(rows, line)) is None:
        return tail(execution, attempt)
    piece = _from(rows, _place(rows, first) or place, first)
    # Lines may be so long that few of them are shown.
    return piece if line <= piece.final else _from(rows, place, line)


def before(execution: Execution, attempt: int, line: int) -> LogExcerpt:
    """What lies before a line; of a number beyond the end the end."""
    rows = of(execution, attempt)
    if (place := _place(rows, line)) is None:
        return tail(execution, attempt)
    key, ends = place
    chunks, more = _backwards(rows.filter(pk__lte=key), beside=1)
    within = _start_of(chunks[-1].text, line - 1 - ends)
    text, cut = _last("".join([*(chunk.text for chunk in chunks[:-1]), chunks[-1].text[:within]]), more)
    first = line - text.count("\n")
    return _piece(text, first, last=key, before=cut, after=True, total=_total(rows))


def _from(rows: QuerySet[LogChunk], place: tuple[int, int], line: int) -> LogExcerpt:
    key, ends = place
    pieces, size, start, last, more = list[str](), 0, -1, 0, False
    for chunk in rows.filter(pk__gte=key).order_by("pk").iterator(chunk_size=50):
        if size >= LIMIT:
            more = True
            break
        text = chunk.text
        if start < 0:
            start = _start_of(text, line - 1 - ends)
            text = text[start:]
        pieces.append(text)
        size, last = size + len(text), chunk.pk
    text, cut = _first("".join(pieces))
    after = cut or more
    total = _total(rows) if line > 1 or after else (0, 0)
    return _piece(text, line, last=last, before=line > 1, after=after, total=total)


# Growth -----------------------------------------------------------------------------------------------------------------


def after(execution: Execution, attempt: int, last: int, line: int) -> LogExcerpt | None:
    """What has been written since the chunk `last`, in which the line of this number has no end yet; it begins with that line.

    None where more has been written than is shown at once: then the end is shown anew.
    """
    rows = of(execution, attempt)
    chunks, size = list[LogChunk](), 0
    for chunk in rows.filter(pk__gt=last).order_by("pk").iterator(chunk_size=50):
        chunks.append(chunk)
        size += len(chunk.text)
        if size > LIMIT:
            return None
    if not chunks:
        return LogExcerpt(first=line, last=last)
    begun = open_line(execution, attempt, last)
    return _piece(begun + "".join(chunk.text for chunk in chunks), line, last=chunks[-1].pk)


def open_line(execution: Execution, attempt: int, last: int) -> str:
    """The line that has no end yet with the chunk `last`."""
    pieces, size = list[str](), 0
    rows = of(execution, attempt).filter(pk__lte=last)
    for chunk in rows.order_by("-id").iterator(chunk_size=5):
        _before, end, piece = chunk.text.rpartition("\n")
        pieces.append(piece)
        size += len(piece)
        if end or size >= LIMIT:
            break
    return "".join(reversed(pieces))[-LIMIT:]


# Everything -------------------------------------------------------------------------------------------------------------


def whole(execution: Execution, attempt: int | None = None) -> StreamingHttpResponse:
    """All of the output as it was written, of one attempt or of all, as plain text that no browser takes for anything else."""
    rows = execution.log.all() if attempt is None else of(execution, attempt)
    return StreamingHttpResponse(
        _texts(chunks(rows), 0),
        content_type="text/plain; charset=utf-8",
        headers={
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def file(execution: Execution, attempt: int | None = None) -> StreamingHttpResponse:
    """The same, to be saved under a name that says what it is."""
    response = whole(execution, attempt)
    name = slugify(execution.job_name, allow_unicode=True)[:80] or "run"
    number = f"-{attempt}" if attempt is not None else ""
    filename = f"{name}-{execution.due_at:%Y%m%d-%H%M%S}{number}.log"
    response.headers["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    return response


def chunks(rows: QuerySet[LogChunk]) -> Iterator[LogChunk]:
    """All, some at a time, each time by a query of its own: what is read at the reader's pace goes on in another thread."""
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNKS]):
        yield from found
        last = found[-1].pk


def of(execution: Execution, attempt: int) -> QuerySet[LogChunk]:
    return execution.log.filter(attempt=attempt)


def as_shown(text: str) -> str:
    """Of each line what stands after its last carriage return; one before the line's end belongs to that end."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _texts(found: Iterable[LogChunk], attempt: int) -> Iterator[str]:
    """The texts in order, with a line between two attempts."""
    for chunk in found:
        if attempt and chunk.attempt != attempt:
            yield "\n--- {} ---\n".format(_("attempt %(number)d") % {"number": chunk.attempt})
        attempt = chunk.attempt
        yield chunk.text


# Counting and cutting -----------------------------------------------------------------------------------------------------


def _piece(
    text: str,
    first: int,
    *,
    last: int,
    before: bool = False,
    after: bool = False,
    total: tuple[int, int] = (0, 0),
) -> LogExcerpt:
    lines, end, line = text.rpartition("\n")
    return LogExcerpt(lines + end, line, first, last, before, after, total)


def _backwards(rows: QuerySet[LogChunk], *, beside: int = 0) -> tuple[Sequence[LogChunk], bool]:
    """The last of these chunks that are enough for what is shown at once, in order; whether there are more before them.

    The last ones of them, so many, do not count.
    """
    found, size = list[LogChunk](), 0
    for chunk in rows.order_by("-id").iterator(chunk_size=50):
        if size >= LIMIT:
            return found[::-1], True
        found.append(chunk)
        size += len(chunk.text) if len(found) > beside else 0
    return found[::-1], False


def _last(text: str, more: bool) -> tuple[str, bool]:
    """The end of a text, from the beginning of a line on where one is near; whether that is not all.

    `more` goes before it, so that its first line may not be whole.
    """
    start = max(len(text) - LIMIT, 0)
    if more or start:
        line = text.find("\n", max(start - 1, 0), len(text) - 1) + 1
        # Of a long line, such as a body in one, the end is shown rather than nothing.
        start = line if 0 < line <= start + LIMIT // 2 else start
    at = len(text) - 1
    for _line in range(MOST_LINES):
        at = text.rfind("\n", start, at)
        if at < 0:
            return text[start:], more or start > 0
    return text[at + 1 :], True


def _first(text: str) -> tuple[str, bool]:
    """The beginning of a text, to the end of a line where there is one; whether that is not all."""
    end = len(text)
    if end > LIMIT:
        end = (text.rfind("\n", 0, LIMIT) + 1) or LIMIT
    end = _start_of(text[:end], MOST_LINES)
    return text[:end], end < len(text)


def _start_of(text: str, ends: int) -> int:
    """Where the line begins that follows so many line ends; the end of the text where there are less."""
    at = 0
    for _line in range(ends):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at


def _place(rows: QuerySet[LogChunk], line: int) -> tuple[int, int] | None:
    """The key of the chunk after whose line ends, or at whose start, a line begins, and the line ends before that chunk."""
    ends = 0
    counts = rows.order_by("pk").annotate(counted=ENDS).values_list("pk", "counted")
    for key, count in counts.iterator():
        if ends + count >= line - 1:
            return key, ends
        ends += count
    return None


def _counted(rows: QuerySet[LogChunk]) -> tuple[int, int]:
    found = rows.order_by().aggregate(all_ends=Sum(ENDS), all_size=Sum(SIZE))
    return found["all_ends"] or 0, found["all_size"] or 0


def _total(rows: QuerySet[LogChunk]) -> tuple[int, int]:
    ends, size = _counted(rows)
    last = rows.order_by("-id").values_list("text", flat=True).first() or "\n"
    return _lines(ends, last), size


def _lines(ends: int, text: str) -> int:
    """With the last one, which may have no end."""
    return ends if text.endswith("\n") else ends + 1
