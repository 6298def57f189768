"""Statistics over the ledger, one statement each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Avg, Count, Q
from django.db.models.functions import TruncHour

from executions.models import NOT_RUN, OPEN, ExecutionQuerySet, State


@dataclass(frozen=True)
class Statistics:
    """How runs ended. Missed and skipped due times are no runs; waiting ones count as running (v2 wire facts, section 9)."""

    total: int
    success: int
    failed: int
    running: int
    mean_success_duration: float | None
    mean_duration: float | None

    @property
    def success_rate(self) -> float:
        """Percent of all runs, 0 when there is none."""
        return self.success / self.total * 100 if self.total else 0.0


def of(executions: ExecutionQuerySet) -> Statistics:
    """The statistics of the given rows."""
    success = Q(state=State.SUCCESS)
    counts = (
        executions.exclude(state__in=NOT_RUN)
        .order_by()
        .aggregate(
            total=Count("id"),
            success=Count("id", filter=success),
            running=Count("id", filter=Q(state__in=OPEN)),
            mean_success_duration=Avg("duration", filter=success),
            mean_duration=Avg("duration"),
        )
    )
    failed = counts["total"] - counts["success"] - counts["running"]
    return Statistics(failed=failed, **counts)


def per_hour(executions: ExecutionQuerySet, since: dt.datetime) -> dict[dt.datetime, dict[str, int]]:
    """How many due times ended in which state, by the hour (UTC) that they were due in."""
    rows = (
        executions.filter(due_at__gte=since)
        .order_by()
        .annotate(hour=TruncHour("due_at", tzinfo=dt.UTC))
        .values_list("hour", "state")
        .annotate(count=Count("id"))
    )
    hours: dict[dt.datetime, dict[str, int]] = {}
    for hour, state, count in rows:
        hours.setdefault(hour, {})[state] = count
    return hours
