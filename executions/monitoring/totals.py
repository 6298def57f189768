"""Counts runs by outcome for a filter: mostly read from the stored totals, the rest counted.

All of it is one statement, and so one moment. It says as well how far the totals had come then: if that is not what was
believed, the question is asked again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, FloatField, Min, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Least, Round

from executions.models import Execution, ExecutionQuerySet, Straggler, Total, Watermark
from executions.monitoring.totals_update import MARK, day
from scheduler_site.lib.database.prepared import Prepared
from scheduler_site.rest.query import DateRange

ONE_DAY = dt.timedelta(days=1)
# How often the query is repeated because the totals have changed meanwhile.
TRIES = 5
EVER = DateRange()


@dataclass(frozen=True)
class Sums:
    """How many runs, how many of them have a duration, and the sum of these in microseconds."""

    count: int = 0
    timed: int = 0
    micros: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.count + other.count, self.timed + other.timed, self.micros + other.micros)


@dataclass(frozen=True)
class RunFilter:
    """Runs that somebody asks for: as rows, without the range of their time; and their totals, where there are such."""

    rows: ExecutionQuerySet
    totals: QuerySet[Total] | None = None
    between: DateRange = EVER

    def matching(self) -> ExecutionQuerySet:
        return within(self.rows, self.between)

    def count(self) -> int:
        return sum(sums.count for sums in self.by_state().values())

    def by_state(self) -> dict[str, Sums]:
        if self.rows.query.is_empty():
            # Who may see no run sees no number of them either.
            return {}
        middle, edges = _whole_days(self.between)
        if self.totals is None or middle is None:
            return _read([_counted(self.matching())])[0]
        known, ends = self.totals, [_counted(within(self.rows, edge)) for edge in edges]
        if self.between != EVER:
            known = known.filter(**middle.lookups("at"))
        for _ in range(TRIES):
            mark = mark_now()
            # Of a range, what lies in the whole days between its ends.
            beyond, late = (_in(rows, middle) for rows in not_counted(self.rows, mark))
            parts = [_summed(known), _counted(beyond), _counted(late), *ends]
            found, then = _read(parts)
            if then == mark:
                return found
        return _read([_counted(self.matching())])[0]


def of_all(
    rows: ExecutionQuerySet, category: int | None, between: DateRange = EVER, **only: Any
) -> RunFilter:
    """Those of all jobs, or of one category; `only`: filters that rows and totals have in common."""
    scope = Total.objects.filter(scope=Total.Scope.DAY, **only)
    return RunFilter(
        rows.filter(**only), scope if category is None else scope.filter(category=category), between
    )


def of_job(
    rows: ExecutionQuerySet, uid: Any, category: int | None, between: DateRange = EVER, **only: Any
) -> RunFilter:
    """Those of a job that is there. Of a range of its time its rows are counted: they are few, and have an index."""
    rows = rows.filter(job__uid=uid, **only)
    if between != EVER:
        return RunFilter(rows, None, between)
    scope = Total.objects.filter(scope=Total.Scope.JOB, job_uid=uid, **only)
    return RunFilter(rows, scope if category is None else scope.filter(category=category))


def within(rows: ExecutionQuerySet, range_: DateRange) -> ExecutionQuerySet:
    """By when they started; what has not started counts by when it was due."""
    started = range_.lookups("started_at")
    if not started:
        return rows
    # Bounds of the due times, so that their index does the work: nothing starts before it is due, ...
    bounds = {"due_at__lt": range_.end} if range_.end else {}
    if range_.start:
        # ... but a run that had to wait may have been due before the range.
        # (Of the two moments the due time is the least. Asked for by its own name, PostgreSQL would look for it along the
        # index of due times, from the oldest row on: through the whole ledger.)
        due_or_started = Least("due_at", "started_at")
        earliest = Execution.objects.filter(**started).aggregate(earliest=Min(due_or_started))["earliest"]
        bounds["due_at__gte"] = min(range_.start, earliest or range_.start)
    return _in(rows, range_).filter(**bounds)


def _in(rows: ExecutionQuerySet, range_: DateRange) -> ExecutionQuerySet:
    started, due = range_.lookups("started_at"), range_.lookups("due_at")
    return rows.filter(Q(**started) | Q(started_at=None, **due)) if started else rows


def _whole_days(range_: DateRange) -> tuple[DateRange | None, list[DateRange]]:
    """The days that lie in a range as a whole, and what is left of it at its ends."""
    start, end = range_.start, range_.end
    first = start and (day(start) if day(start) == start else day(start) + ONE_DAY)
    last = end and day(end)
    if first and last and first >= last:
        return None, []
    edges = [DateRange(start, first)] if start and first and start < first else []
    edges += [DateRange(last, end)] if end and last and last < end else []
    return DateRange(first, last), edges


def mark_now() -> int:
    return _mark.first() or 0


_mark = Prepared(lambda: Watermark.objects.filter(name=MARK).order_by().values_list("at"))


def not_counted(rows: ExecutionQuerySet, mark: int) -> tuple[ExecutionQuerySet, ExecutionQuerySet]:
    """Those beyond the mark; those before it that had not ended when the others were counted."""
    return rows.filter(pk__gt=mark), rows.filter(pk__in=Straggler.objects.values("run"))


def _summed(rows: QuerySet[Total]) -> Any:
    sums = (Cast(Sum(name), FloatField()) for name in ("count", "timed", "micros"))
    return _columns(rows, *sums)


def _counted(rows: ExecutionQuerySet) -> Any:
    micros = Sum(Round(F("duration") * 1_000_000))
    return _columns(rows, *(Cast(one, FloatField()) for one in (Count("id"), Count("duration"), micros)))


def _columns(rows: Any, first: Any, second: Any, third: Any) -> Any:
    return rows.order_by().values_list("state").annotate(a=first, b=second, c=third)


def _read(parts: list[Any]) -> tuple[dict[str, Sums], int]:
    """By state; and how far the totals had come."""
    nothing = Value(0.0, FloatField())
    mark = Watermark.objects.filter(name=MARK).annotate(
        name_=Value(""), a=Cast("at", FloatField()), b=nothing, c=nothing
    )
    found: dict[str, Sums] = {}
    at = 0
    for state, *numbers in mark.values_list("name_", "a", "b", "c").union(*parts, all=True):
        first, second, third = (round(number or 0) for number in numbers)
        if state:
            found[state] = found.get(state, Sums()) + Sums(first, second, third)
        else:
            at = first
    return found, at
