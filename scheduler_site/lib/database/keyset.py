"""Pages of long tables by cursor: a page costs the same however far down the table it lies.

Rows are in the order of a time, the newest first, and of their keys where it is the same. A cursor names a row, and the side of
it where the page lies: microseconds since 1970 and the key, with `-newer` at its end for the side above.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Q, QuerySet

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NEWER = "-newer"
CURSOR = re.compile(r"(\d{1,17})-(\d{1,18})(-newer)?", re.ASCII)
Row = TypeVar("Row")
# What lies after a place (its time and key) in the order that is read.
Beyond = Callable[[dt.datetime, int], Q]
# Reads sorted rows: those of the page, and the row after which there is more, if any.
Look = Callable[[QuerySet[Any], Beyond], tuple[list[Row], Row | None]]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, the newest first, and the cursors of the pages beside it (empty: there is none)."""

    rows: list[Row]
    older: str = ""
    newer: str = ""


def first(size: int) -> Look[Any]:
    """The usual way to read: `size` rows, and one more to see whether there is any."""

    def look(rows: QuerySet[Any], _beyond: Beyond) -> tuple[list[Any], Any]:
        found = list(rows[: size + 1])
        return found[:size], found[size - 1] if len(found) > size else None

    return look


@dataclass(frozen=True)
class Keyset:
    """An order of rows by the time in `field`."""

    field: str

    def mark(self, row: Any) -> str:
        """The cursor of what is older than this row; with NEWER behind it, of what is newer."""
        return f"{(getattr(row, self.field) - EPOCH) // dt.timedelta(microseconds=1)}-{row.pk}"

    def below(self, at: dt.datetime, key: int) -> Q:
        # The last of the three is for the index.
        return Q(self._is("lt", at) | Q(self._is("exact", at), pk__lt=key), self._is("lte", at))

    def above(self, at: dt.datetime, key: int) -> Q:
        return Q(self._is("gt", at) | Q(self._is("exact", at), pk__gt=key), self._is("gte", at))

    def page(self, rows: QuerySet[Any], cursor: str, look: Look[Row]) -> Page[Row]:
        """The rows beyond a cursor, for an empty one the newest. Raises ValueError for an invalid cursor."""
        downwards, upwards = (f"-{self.field}", "-id"), (self.field, "id")
        if not cursor:
            found, last = look(rows.order_by(*downwards), self.below)
            return Page(found, self._after(last))
        match = CURSOR.fullmatch(cursor)
        if match is None:
            raise ValueError(cursor)
        at, key = EPOCH + dt.timedelta(microseconds=int(match[1])), int(match[2])
        here = cursor.removesuffix(NEWER)
        if match[3]:
            found, last = look(rows.filter(self.above(at, key)).order_by(*upwards), self.above)
            older, end = self._after(found[0]) if found else here, self._after(last)
            return Page(found[::-1], older, end and end + NEWER)
        found, last = look(rows.filter(self.below(at, key)).order_by(*downwards), self.below)
        return Page(found, self._after(last), (self._after(found[0]) if found else here) + NEWER)

    def _after(self, row: Any) -> str:
        return "" if row is None else self.mark(row)

    def _is(self, comparison: str, at: dt.datetime) -> Q:
        return Q(**{f"{self.field}__{comparison}": at})
