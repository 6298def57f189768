"""Records alerts to be sent soon: missed due times, lost runs, and conditions of jobs such as a late start.

Written in the transaction of what happened, and told by the reconciler (executions/upkeep), which makes one message of many.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from django.conf import settings

from executions.alerting import incident_triggers
from executions.models import AlertCondition, Execution, PendingAlert, Reason, State, Trigger
from executions.values import ON_TIME
from incidents.models import Incident
from jobs.models import Job

BATCH = 500


def record_missed(rows: Iterable[Execution], now: dt.datetime) -> None:
    """Records due times that the tick marks as missed, or as merged into a later run after an outage."""
    by_job: dict[int, list[Execution]] = {}
    for row in rows:
        coalesced = row.reason == Reason.COALESCED and row.due_at < now - ON_TIME
        if row.job_id and (row.state == State.MISSED or coalesced):
            by_job.setdefault(row.job_id, []).append(row)
    _note(_passed(job, missed, now) for job, missed in by_job.items())


def record_unstarted(keys: list[int], now: dt.datetime) -> None:
    """Records queued runs whose start deadline has passed."""
    rows = Execution.objects.filter(pk__in=keys).exclude(job=None).only("job_id", "due_at", "state", "reason")
    record_missed(rows, now)


def record_given_up(
    runs: Iterable[Execution], error: str, now: dt.datetime, kind: Incident.Kind = Incident.Kind.LOST
) -> None:
    """Counts runs that were lost or could not be started, and records those that people are to be told of."""
    rows = [run for run in runs if run.job_id]
    jobs = Job.objects.in_bulk({run.job_id for run in rows}) if rows else {}
    incidents = incident_triggers.runs_given_up(rows, jobs, kind, error, now)
    told = [run for run in rows if _is_to_be_told(run, jobs, incidents)]
    _note(
        PendingAlert(
            key=f"run:{run.uid}",
            job_id=run.job_id,
            execution_uid=run.uid,
            error=error,
            first=run.due_at,
            last=run.due_at,
            at=now,
        )
        for run in told
        if run.job_id
    )


def record_conditions(found: Iterable[tuple[int, str, dt.datetime, AlertCondition.Kind]]) -> None:
    """Each is the job's key, its uid, since when, and of what kind; a condition that is on record already stays as it is."""
    rows = [
        AlertCondition(subject=uid, kind=kind, job_id=job, since=since) for job, uid, since, kind in found
    ]
    if rows:
        AlertCondition.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)


def _is_to_be_told(run: Execution, jobs: Mapping[int, Job], incidents: Mapping[int, Incident]) -> bool:
    """Unless it is one more of an incident that people know."""
    if (job := jobs.get(run.job_id or 0)) is None:
        return False
    incident = incidents.get(job.pk)
    if run.trigger == Trigger.MANUAL or job.tell_each_run or settings.INBOX_EVERY_RUN:
        return True
    # Of several of a job the newest stands for all.
    return incident is not None and incident.announced_at is None and incident.last_run == run.uid


def _note(rows: Iterable[PendingAlert]) -> None:
    if found := list(rows):
        PendingAlert.objects.bulk_create(found, ignore_conflicts=True, batch_size=BATCH)


def _passed(job: int, rows: list[Execution], now: dt.datetime) -> PendingAlert:
    first = min(row.due_at for row in rows)
    return PendingAlert(
        key=f"passed:{job}:{first.isoformat()}",
        job_id=job,
        slots=sum(row.slots for row in rows),
        made_up=sum(row.slots for row in rows if row.reason == Reason.COALESCED),
        first=first,
        last=max(row.last_slot or row.due_at for row in rows),
        at=now,
    )
