"""Runs out of an old Conda Task Manager. They say what was; nothing is started by them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from compat.conda_tasks.wire import MEGABYTE
from compat.importers.conda_tasks_client import moment, text
from compat.importers.ndscheduler_history import batches
from compat.importers.report import Row
from executions.ledger import definitions
from executions.models import Execution, LogChunk, State, Trigger
from jobs.models import Job

# What had not ended is read again when it has.
STATES = {"completed": State.SUCCESS, "failed": State.FAILED, "stopped": State.STOPPED}
BIGGEST = 2**62


class Runs:
    """The runs that are not here yet, by the job that they belong to."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._total = 0
        self._new: dict[UUID, tuple[UUID, Mapping[str, Any]]] = {}

    def read(self, job: UUID, runs: Sequence[Mapping[str, Any]]) -> None:
        for batch in batches(runs):
            ids = {
                uid_of(job, run): run
                for run in batch
                if str(run.get("status")) in STATES and self._began(run)
            }
            here = set(Execution.objects.filter(uid__in=ids).values_list("uid", flat=True))
            self._total += len(ids)
            self._new |= {uid: (job, run) for uid, run in ids.items() if uid not in here}

    def row(self) -> Row:
        """Counts for the report."""
        row = Row("runs", f"({self._total})", "new" if self._new else "here")
        if self._new:
            row.notes.append(f"{len(self._new)} of them are new.")
        return row

    def apply(self) -> None:
        """Writes what is new; tasks have been imported before, and those that were left out have no runs either."""
        jobs = {job.uid: job for job in Job.objects.filter(uid__in={job for job, _run in self._new.values()})}
        for batch in batches(self._new.items()):
            known = [(uid, jobs[job], run) for uid, (job, run) in batch if job in jobs]
            rows = [self._execution(*one) for one in known]
            definitions.keep(rows)
            made = Execution.objects.bulk_create(rows)
            keys = dict(Execution.objects.filter(uid__in=[run.uid for run in made]).values_list("uid", "pk"))
            LogChunk.objects.bulk_create(
                [
                    LogChunk(execution_id=keys[uid], attempt=1, at=self._ended(run), text=wrote)
                    for uid, _job, run in known
                    if (wrote := text(run.get("logs")))
                ]
            )

    def _began(self, run: Mapping[str, Any]) -> dt.datetime | None:
        return moment(run.get("start_time"), self._zone)

    def _ended(self, run: Mapping[str, Any]) -> dt.datetime:
        began = self._began(run) or dt.datetime.now(dt.UTC)
        return max(moment(run.get("end_time"), self._zone) or began, began)

    def _execution(self, uid: UUID, job: Job, run: Mapping[str, Any]) -> Execution:
        began, ended = self._began(run) or dt.datetime.now(dt.UTC), self._ended(run)
        code = run.get("exit_code")
        return Execution(
            uid=uid,
            job_id=job.pk,
            job_uid=job.uid,
            job_name=job.name,
            kind=job.kind,
            definition=job.definition(),
            category_id=job.category_id,
            # The old manager does not say which runs were started manually.
            trigger=Trigger.MANUAL,
            due_at=began,
            created_at=began,
            state=STATES[str(run["status"])],
            attempt=1,
            started_at=began,
            finished_at=ended,
            duration=_number(run.get("duration")) or (ended - began).total_seconds(),
            exit_code=code if isinstance(code, int) and abs(code) < 2**31 else None,
            peak_memory=_bytes(run.get("peak_memory")),
            mean_memory=_bytes(run.get("avg_memory")),
        )


def uid_of(job: UUID, run: Mapping[str, Any]) -> UUID:
    """The id of a run there, or one that is made of what else is known of it."""
    key = text(run.get("execution_id"))
    try:
        return UUID(key)
    except ValueError:
        return uuid5(job, key or text(run.get("start_time")))


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and 0 <= value < BIGGEST else None


def _bytes(value: Any) -> int | None:
    size = _number(value)
    return None if size is None else min(int(size * MEGABYTE), BIGGEST)
