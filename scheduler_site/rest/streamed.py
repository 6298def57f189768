"""Long lists as JSON, read and written some rows at a time: what a list costs in memory does not grow with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

# Rows that are read at once; a list with more is written in pieces.
AT_ONCE = 500

M = TypeVar("M", bound=Model)
Page = Callable[[Sequence[int]], Sequence[Mapping[str, Any]]]


def first(rows: QuerySet[M]) -> QuerySet[M]:
    """As many of the rows as tell whether there are too many to be read at once (`is_long`)."""
    return rows[: AT_ONCE + 1]


def is_long(found: Sequence[Any]) -> bool:
    return len(found) > AT_ONCE


def streamed(
    name: str,
    keys: Sequence[int],
    page: Page,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    content_type: str = "application/json",
) -> StreamingHttpResponse:
    """`{**before, name: [...], **after}`. `page` gives the rows of some of the `keys`, in their order.

    Each page is read by queries of its own, maybe in another thread: rows that are deleted meanwhile are missing.
    """
    return StreamingHttpResponse(
        _pieces(name, keys, page, before or {}, after or {}), content_type=content_type
    )


def _pieces(
    name: str, keys: Sequence[int], page: Page, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    head = "".join(f"{_json(key)}:{_json(value)}," for key, value in before.items())
    yield f"{{{head}{_json(name)}:["
    between = ""
    for start in range(0, len(keys), AT_ONCE):
        rows = page(keys[start : start + AT_ONCE])
        yield between + ",".join(map(_json, rows)) if rows else ""
        between = "," if rows else between
    tail = "".join(f",{_json(key)}:{_json(value)}" for key, value in after.items())
    yield f"]{tail}}}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
