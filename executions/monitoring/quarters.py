"""How many due times ended in which state, by the quarter of an hour that they were due in: one statement over an index."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, Func, IntegerField

from executions.models import ExecutionQuerySet

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


def counted(rows: ExecutionQuerySet, since: dt.datetime) -> dict[dt.datetime, dict[str, int]]:
    """By the beginning of the quarter, then by state."""
    found = (
        rows.filter(due_at__gte=since)
        .order_by()
        .annotate(quarter=_Quarter("due_at"))
        .values_list("quarter", "state")
        .annotate(count=Count("id"))
    )
    quarters: dict[dt.datetime, dict[str, int]] = {}
    for quarter, state, count in found:
        begin = dt.datetime.fromtimestamp(int(quarter) * _SECONDS, dt.UTC)
        quarters.setdefault(begin, {})[state] = count
    return quarters


def begin_of(moment: dt.datetime) -> dt.datetime:
    """Of the quarter in which it lies."""
    return dt.datetime.fromtimestamp(int(moment.timestamp()) // _SECONDS * _SECONDS, dt.UTC)
