"""Reading what a run wrote: its end for the page, its growth for the live part, all of it as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _

from executions.models import Execution, LogChunk

LIMIT = 64 * 1024  # characters shown at once


@dataclass(frozen=True)
class Output:
    """A piece of a log; `last` is the key of its last chunk; more lies before it (`cut`) or after it (`more`)."""

    text: str = ""
    last: int = 0
    cut: bool = False
    more: bool = False


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
    return Output(text[-LIMIT:], chunks[-1].pk if chunks else 0, cut or len(text) > LIMIT)


def after(execution: Execution, last: int) -> Output:
    """What has been written since the chunk `last`, 64 Ki characters or one chunk at the most."""
    attempt = execution.log.filter(pk__lte=last).order_by("-id").values_list("attempt", flat=True).first()
    chunks: list[LogChunk] = []
    size = 0
    for chunk in execution.log.filter(pk__gt=last).order_by("id").iterator(chunk_size=50):
        chunks.append(chunk)
        size += len(chunk.text)
        if size >= LIMIT:
            break
    text = "".join(_texts(chunks, attempt or 0))
    return Output(text, chunks[-1].pk if chunks else last, more=size >= LIMIT)


def whole(execution: Execution) -> StreamingHttpResponse:
    """All of the output, as plain text that no browser takes for anything else."""
    return StreamingHttpResponse(
        _texts(execution.log.order_by("id").iterator(chunk_size=50), 0),
        content_type="text/plain; charset=utf-8",
        headers={
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _texts(chunks: Iterator[LogChunk] | list[LogChunk], attempt: int) -> Iterator[str]:
    """The texts in order, with a line between two attempts."""
    for chunk in chunks:
        if attempt and chunk.attempt != attempt:
            yield "\n--- {} ---\n".format(_("attempt %(number)d") % {"number": chunk.attempt})
        attempt = chunk.attempt
        yield chunk.text
