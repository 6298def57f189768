"""Runs as JSON: the keys of the v2 wire facts, section 9, and ours beside them."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any, Protocol, cast

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Left

from executions.models import Execution, ExecutionQuerySet, LogChunk, State
from executions.monitoring.figures import Figures
from executions.monitoring.logs import as_shown
from executions.monitoring.statistics import Statistics
from jobs.models import Job

# The three words of the dialect, and two that appear only when they are asked for.
STATUS: dict[str, str] = {
    State.QUEUED: "running",
    State.RUNNING: "running",
    State.SUCCESS: "success",
    State.FAILED: "failed",
    State.TIMEOUT: "failed",
    State.STOPPED: "failed",
    State.LOST: "failed",
    State.ERROR: "failed",
    State.MISSED: "missed",
    State.SKIPPED: "skipped",
}
OUTPUT = 1000
# What of another run is not needed.
LARGE = ("definition", "result", "error")


class _Read(Protocol):
    """What `for_wire` adds to a row."""

    first_chunk: int | None
    last_chunk: int | None
    first_text: str | None
    last_text: str | None


def for_wire(rows: ExecutionQuerySet) -> ExecutionQuerySet:
    """With all that `execution_json` needs, in one query; without what may be large."""
    chunks = LogChunk.objects.filter(execution=OuterRef("pk"), attempt=OuterRef("attempt"))
    chunks = chunks.annotate(start=Left("text", OUTPUT))
    first, last = chunks.order_by("id"), chunks.order_by("-id")
    return (
        rows.select_related("requested_by", "blocked_by", "caused_by")
        .defer("definition", *(f"{run}__{name}" for run in ("blocked_by", "caused_by") for name in LARGE))
        .annotate(
            first_chunk=Subquery(first.values("id")[:1]),
            last_chunk=Subquery(last.values("id")[:1]),
            first_text=Subquery(first.values("start")[:1]),
            last_text=Subquery(last.values("start")[:1]),
        )
    )


def execution_json(run: Execution) -> dict[str, Any]:
    """A row out of `for_wire`."""
    github = run.kind == Job.Kind.GITHUB_ACTIONS
    return {
        "id": str(run.uid),
        "job_id": str(run.job_uid),
        "job_name": run.job_name,
        "status": STATUS[run.state],
        "trigger_type": run.trigger,
        "started_at": moment(run.started_at),
        "completed_at": moment(run.finished_at),
        "duration_seconds": run.duration,
        "execution_type": run.kind if github or run.kind == Job.Kind.WEBHOOK else None,
        "target": run.target,
        "github_repo": run.target.split("/")[1] if github and run.target.count("/") == 2 else None,
        "response_status": run.response_status,
        "error_message": _error(run),
        "output": _output(run),
        # Ours, beside those of the dialect.
        "state": run.state,
        "reason": run.reason or None,
        "kind": run.kind,
        "scheduled_for": moment(run.scheduled_for),
        "due_at": moment(run.due_at),
        "created_at": moment(run.created_at),
        "slots": run.slots,
        "last_slot": moment(run.last_slot),
        "attempt": run.attempt,
        "next_attempt_at": moment(run.next_attempt_at),
        "stopping": run.is_stopping,
        "suspended_at": moment(run.suspended_at),
        "exit_code": run.exit_code,
        "result": run.result or None,
        "peak_memory": run.peak_memory,
        "mean_memory": run.mean_memory,
        "cpu_seconds": run.cpu_seconds,
        "worker": run.worker or None,
        "requested_by": run.requested_by.get_username() if run.requested_by else None,
        "blocked_by": str(run.blocked_by.uid) if run.blocked_by else None,
        "caused_by": str(run.caused_by.uid) if run.caused_by else None,
    }


def points_json(points: list[tuple[float, int, float]]) -> list[dict[str, float]]:
    return [{"seconds": seconds, "memory": memory, "cpu_seconds": cpu} for seconds, memory, cpu in points]


def job_statistics_json(counts: Statistics) -> dict[str, Any]:
    """Of one job: percent and seconds with two decimals, the mean of its successful runs only."""
    mean = counts.mean_success_duration
    return {
        "total_executions": counts.total,
        "success_count": counts.success,
        "failed_count": counts.failed,
        "running_count": counts.running,
        "success_rate": round(counts.success_rate, 2),
        "average_duration_seconds": None if mean is None else round(mean, 2),
    }


def statistics_json(counts: Statistics) -> dict[str, Any]:
    """Of many jobs: nothing rounded, the mean of every run that has a duration."""
    return {
        "total_executions": counts.total,
        "successful_executions": counts.success,
        "failed_executions": counts.failed,
        "running_executions": counts.running,
        "success_rate": counts.success_rate,
        "average_duration_seconds": counts.mean_duration or 0.0,
    }


def figures_json(figures: Figures) -> dict[str, Any]:
    """What health adds for administrators: seconds, counts, and who gave a sign of life how many seconds ago."""
    return {
        "figures": {
            "oldest_due_seconds": round(figures.oldest_due, 3),
            "oldest_queued_seconds": round(figures.oldest_queued, 3),
            "open_runs": figures.open.total,
            "open_runs_by_state": asdict(figures.open),
        }
        | {f"{state}_24h": count for state, count in figures.noticed.items()}
        | {"undelivered_alerts": figures.undelivered},
        "processes": [
            {
                "role": one.role,
                "name": one.name,
                "age": round(one.age, 3),
                "alive": one.alive,
                "clock_ahead": round(one.ahead, 3),
                "tzdata": one.tzdata,
            }
            for one in figures.processes
        ],
    }


def moment(value: dt.datetime | None) -> str | None:
    """UTC, milliseconds, `Z`: the format of when runs start and end."""
    if value is None:
        return None
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(run: Execution) -> str | None:
    """What went wrong in the run's own words, else why it has the outcome that it has; of what was skipped both."""
    if run.state == State.SKIPPED and run.error:
        return ": ".join(filter(None, (str(run.get_reason_display()), run.error)))
    if run.error or run.state == State.SUCCESS:
        return run.error or None
    return str(run.get_reason_display()) or None


def _output(run: Execution) -> str | None:
    """The beginning of what the last attempt wrote: of code its output, of calls the answer's body.

    A call logs its request and its status before; the body, when there is one, is the piece that was written last.
    """
    read = cast(_Read, run)
    if run.kind in Job.CODE_KINDS:
        return as_shown(read.first_text) if read.first_text else read.first_text
    return read.last_text if read.last_chunk != read.first_chunk else None


def stored(run: Execution) -> dict[str, Any]:
    """A run as it is now."""
    return execution_json(for_wire(Execution.objects.filter(pk=run.pk)).get())
