"""Query parameters that several routes share, in the words of the API's document; they are read by `query.py`."""

from __future__ import annotations

from scheduler_site.openapi.schema import Schema, answer, maybe, text, whole

_BOUND = {
    "type": "string",
    "anyOf": [{"format": "date"}, {"format": "date-time"}, {"pattern": r"^\s*$"}],
    "examples": ["2026-01-02"],
}
PAGE = whole("The number of the page.", minimum=1, default=1)
RANGE: dict[str, Schema] = {
    "from": _BOUND
    | {"description": "The beginning, inclusive: a date (00:00 UTC) or a time (UTC without an offset)."},
    "to": _BOUND | {"description": "The end, exclusive; a date means the whole day."},
}


def between(*, with_offset: bool = True) -> Schema:
    """The `range` of an answer: how `from` and `to` were understood."""
    kind = {"format": "date-time"} if with_offset else {}
    return answer(
        "Range" if with_offset else "NaiveRange",
        "How `from` and `to` were understood, in UTC.",
        {
            "from": maybe(text("The beginning, inclusive; null when open.", **kind)),
            "to": maybe(text("The end, exclusive; null when open.", **kind)),
        },
    )
