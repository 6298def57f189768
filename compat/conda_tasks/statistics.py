"""`/api/tasks/stats` and `/api/tasks/history`: each in a fixed number of statements, however many tasks and runs there are."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from django.db.models import Avg, Count, Max, Min, Q
from django.http import HttpRequest

from compat.conda_tasks import access, task_status, wire
from compat.conda_tasks.base import CondaView
from compat.conda_tasks.task_status import COMPLETED, FAILED, PAUSED, RUNNING, SCHEDULED, STOPPED
from executions.models import BAD, FINAL, Execution, ExecutionQuerySet, State
from scheduler_site.lib import clock

DAYS = 7
RECENT = 5
# Beyond these a month of runs is cut, the newest are kept.
MOST = 100_000
HISTORY = (
    *("uid", "job_id", "state", "suspended_at", "started_at", "due_at", "duration", "peak_memory"),
    *("mean_memory", "exit_code"),
)


class StatisticsView(CondaView):
    """GET the figures of all tasks and of their runs."""

    def get(self, request: HttpRequest) -> dict[str, Any]:
        counts = Counter(task.status for task in task_status.load(access.tasks(self.user)))
        runs = access.runs(self.user)
        judged = counts[COMPLETED] + counts[FAILED]
        return {
            "total": counts.total(),
            **{word: counts[word] for word in (SCHEDULED, RUNNING, COMPLETED, FAILED, STOPPED, PAUSED)},
            **durations(runs),
            "success_rate": round(100 * counts[COMPLETED] / judged, 1) if judged else 0,
            "last_7_days": per_day(runs, clock.now()),
            "recent_tasks": recent(runs),
        }


class HistoryView(CondaView):
    """GET the runs of the last month, the newest first."""

    def get(self, request: HttpRequest) -> dict[str, Any]:
        names = dict(access.tasks(self.user).order_by().values_list("pk", "name"))
        rows = access.runs(self.user).order_by("-due_at", "-id").values_list(*HISTORY, named=True)
        # Of tens of thousands of rows each need not be a model's instance.
        data = [_history_json(cast("Execution", row), names) for row in rows[:MOST]]
        return {"status": "success", "data": data}


def durations(runs: ExecutionQuerySet) -> dict[str, float]:
    """Of those that ran and have ended, in seconds."""
    found = runs.filter(state__in=FINAL).order_by()
    told = found.aggregate(mean=Avg("duration"), least=Min("duration"), most=Max("duration"))
    names = {"avg_duration": "mean", "min_duration": "least", "max_duration": "most"}
    return {name: round(told[key] or 0, 3) for name, key in names.items()}


def per_day(runs: ExecutionQuerySet, now: dt.datetime) -> dict[str, list[Any]]:
    """How many began on each of the last days in the scheduler's zone and succeeded, or failed."""
    today = now.astimezone(wire.zone()).date()
    days = [today - dt.timedelta(days=back) for back in reversed(range(DAYS))]
    counts: dict[str, Count] = {}
    for number, day in enumerate(days):
        began = Q(started_at__gte=_midnight(day), started_at__lt=_midnight(day + dt.timedelta(days=1)))
        counts[f"good_{number}"] = Count("id", filter=began & Q(state=State.SUCCESS))
        counts[f"bad_{number}"] = Count("id", filter=began & Q(state__in=BAD))
    # A run may begin long after it was due.
    told = runs.filter(started_at__gte=_midnight(days[0])).order_by().aggregate(**counts)
    return {
        "dates": [day.isoformat() for day in days],
        "success_counts": [told[f"good_{number}"] for number in range(DAYS)],
        "failed_counts": [told[f"bad_{number}"] for number in range(DAYS)],
    }


def recent(runs: ExecutionQuerySet) -> list[dict[str, Any]]:
    found = runs.filter(started_at__isnull=False).only(*task_status.SHOWN, "job__name").select_related("job")
    return [
        {
            "task_id": run.job_id,
            "name": run.job.name if run.job else "",
            "status": task_status.run_status(run),
            "start_time": wire.moment(run.started_at),
            "end_time": wire.moment(run.finished_at),
            "duration": wire.duration(run),
        }
        for run in found.order_by("-started_at", "-id")[:RECENT]
    ]


def _history_json(run: Execution, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "task_id": run.job_id,
        "task_name": names.get(run.job_id or 0, ""),
        "status": task_status.run_status(run),
        "execution_time": wire.moment(wire.started(run)),
        "duration": wire.duration(run),
        "peak_memory": wire.megabytes(run.peak_memory),
        "avg_memory": wire.megabytes(run.mean_memory),
        "exit_code": wire.exit_code(run),
        "execution_id": str(run.uid),
    }


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, wire.zone())
