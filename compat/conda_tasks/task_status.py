"""The status of a task: one word, from its job and its last run (wire facts, 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from executions.models import Execution, ExecutionQuerySet, State
from jobs.models import Job, JobQuerySet, Pause, stored_schedule

SCHEDULED, RUNNING, PAUSED = "scheduled", "running", "paused"
COMPLETED, FAILED, STOPPED = "completed", "failed", "stopped"
ENDS: dict[str, str] = {State.SUCCESS: COMPLETED, State.STOPPED: STOPPED}
# What of a run is needed to show it.
SHOWN = (
    *("uid", "job_id", "state", "reason", "error", "attempt", "suspended_at", "created_at", "due_at"),
    *("started_at", "finished_at", "duration", "peak_memory", "mean_memory", "exit_code"),
)


@dataclass(frozen=True)
class Task:
    """A job with its schedule, its last run and the last one that has ended; `scheduled_at`: when it was scheduled last."""

    job: Job
    last: Execution | None
    ended: Execution | None
    scheduled_at: dt.datetime

    @property
    def next_run_at(self) -> dt.datetime | None:
        return self.job.next_run_at if self.job.timing.enabled else None

    @property
    def status(self) -> str:
        last = self.last
        if last and last.state == State.RUNNING:
            return run_status(last)
        if not self.job.timing.enabled:
            return PAUSED
        if last is None:
            # The one due time of such a job was missed: it never starts.
            missed = self.job.timing.kind == "once" and self.next_run_at is None
            return FAILED if missed else SCHEDULED
        if self.next_run_at and last.created_at <= self.scheduled_at:
            return SCHEDULED
        return run_status(last)


def run_status(run: Execution) -> str:
    """Of one run; a retry that waits for its time is scheduled."""
    if run.state == State.RUNNING:
        return PAUSED if run.suspended_at else RUNNING
    return SCHEDULED if run.state == State.QUEUED else ENDS.get(run.state, FAILED)


def of(job: Job) -> Task:
    """As it stands now in the database."""
    return load(Job.objects.filter(pk=job.pk))[0]


def load(jobs: JobQuerySet) -> list[Task]:
    """In order of their numbers; a fixed number of statements however many there are."""
    runs = Execution.objects.filter(job=OuterRef("pk")).runs().order_by("-due_at", "-id")
    rows = jobs.select_related("environment").annotate(
        last_run=_newest(runs),
        last_end=_newest(runs.filter(finished_at__isnull=False)),
        resumed_at=Subquery(
            Pause.objects.filter(job=OuterRef("pk"), ended_at__isnull=False)
            .order_by("-ended_at")
            .values("ended_at")[:1]
        ),
    )
    found = stored_schedule.attach(rows.order_by("pk"))
    known = _runs(key for job in found for key in (job.last_run, job.last_end))  # type: ignore[attr-defined]
    return [_task(job, known) for job in found]


def _newest(runs: ExecutionQuerySet) -> Subquery:
    return Subquery(runs.values("pk")[:1])


def _runs(keys: Iterable[int | None]) -> dict[int, Execution]:
    wanted = {key for key in keys if key}
    return Execution.objects.only(*SHOWN).in_bulk(wanted) if wanted else {}


def _task(job: Job, known: dict[int, Execution]) -> Task:
    last, ended, resumed = (getattr(job, name) for name in ("last_run", "last_end", "resumed_at"))
    at = max(job.updated_at, resumed or job.updated_at)
    return Task(job, known.get(last), known.get(ended), at)
