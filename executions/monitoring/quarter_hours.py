"""Counts outcomes by the quarter of an hour in which runs were due."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import BigIntegerField, Count, Func, IntegerField, Sum, Value
from django.db.models.functions import Cast

from executions.models import ExecutionQuerySet, Total, Watermark
from executions.monitoring.totals import TRIES, mark_now, not_counted
from executions.monitoring.totals_update import MARK

QUARTER = dt.timedelta(minutes=15)
_SECONDS = 900


class _Quarter(Func):
    """Quarters of an hour since 1970. Of UTC: zones are a multiple of a quarter away from it."""

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        return self.as_sql(
            compiler, connection, template="floor(extract(epoch FROM %(expressions)s) / 900)::int", **extra
        )

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = "(CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / 900)"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_mysql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = "(TIMESTAMPDIFF(SECOND, '1970-01-01', %(expressions)s) DIV 900)"
        return self.as_sql(compiler, connection, template=template, **extra)


def counted(
    rows: ExecutionQuerySet, category: int | None, since: dt.datetime, until: dt.datetime
) -> dict[dt.datetime, dict[str, int]]:
    """By the beginning of the quarter, then by state. `rows` are all, or those of the category.

    Read as totals.RunFilter reads: mostly from the totals, and again when these have moved on meanwhile.
    """
    if rows.query.is_empty():
        return {}
    first = begin_of(since)
    first += QUARTER if first < since else dt.timedelta()
    known = Total.objects.filter(scope=Total.Scope.QUARTER, at__gte=first, at__lte=until)
    known = known if category is None else known.filter(category=category)
    inside, edge = (
        rows.filter(due_at__gte=first, due_at__lte=until),
        rows.filter(due_at__gte=since, due_at__lt=first),
    )
    for _ in range(TRIES):
        mark = mark_now()
        live = [*not_counted(inside, mark), *([edge] if since < first else [])]
        found, then = _read(
            [_of(known, "at", Sum("count")), *(_of(part, "due_at", Count("id")) for part in live)]
        )
        if then == mark:
            return found
    return _read([_of(rows.filter(due_at__gte=since, due_at__lte=until), "due_at", Count("id"))])[0]


def _of(rows: Any, moment: str, count: Any) -> Any:
    grouped = rows.order_by().annotate(quarter=_Quarter(moment)).values_list("quarter", "state")
    return grouped.annotate(number=Cast(count, BigIntegerField()))


def _read(parts: list[Any]) -> tuple[dict[dt.datetime, dict[str, int]], int]:
    """And how far the totals had come."""
    mark = Watermark.objects.filter(name=MARK).annotate(quarter=Value(0, IntegerField()), state=Value(""))
    quarters: dict[dt.datetime, dict[str, int]] = {}
    at = 0
    for quarter, state, number in mark.values_list("quarter", "state", "at").union(*parts, all=True):
        if state:
            counts = quarters.setdefault(dt.datetime.fromtimestamp(int(quarter) * _SECONDS, dt.UTC), {})
            counts[state] = counts.get(state, 0) + int(number)
        else:
            at = int(number)
    return quarters, at


def begin_of(moment: dt.datetime) -> dt.datetime:
    """Of the quarter in which it lies."""
    return dt.datetime.fromtimestamp(int(moment.timestamp()) // _SECONDS * _SECONDS, dt.UTC)
