"""What becomes of a run while an earlier one of its job goes on: skipped, held until its end, in its place, or beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import partial

from django.db import transaction

from executions.ledger.publish import publish
from executions.models import Execution, Reason, State, over
from jobs.models import Job


def in_the_way(job: Job) -> list[Execution]:
    """The open runs of a job that its rule asks for, the oldest first: of a long queue no more than that."""
    if job.overlap == Job.Overlap.ALLOW:
        return []
    runs = Execution.objects.filter(job=job).open().only("pk", "state").order_by("due_at")
    return list(runs if job.overlap == Job.Overlap.REPLACE else runs[:1])


def apply_overlap(job: Job, new: list[Execution], open_runs: list[Execution], now: dt.datetime) -> None:
    """Applies the job's overlap rule to its new runs; several of one catch-up follow each other, unless they may overlap."""
    if not new or job.overlap == Job.Overlap.ALLOW:
        return
    if open_runs and job.overlap == Job.Overlap.SKIP:
        for run in new:
            run.state, run.reason, run.finished_at = State.SKIPPED, Reason.OVERLAP, now
            run.blocked_by_id = open_runs[0].pk
        return
    if open_runs and job.overlap == Job.Overlap.REPLACE:
        _make_way(open_runs, now)
        for run in new[:-1]:
            run.state, run.reason, run.finished_at = State.SKIPPED, Reason.REPLACED, now
    for run in new if open_runs else new[1:]:
        run.held = run.state == State.QUEUED


def _make_way(runs: list[Execution], now: dt.datetime) -> None:
    """Ends the runs that a later one replaces: waiting ones at once, running ones by their workers."""
    keys = Execution.objects.filter(pk__in=[run.pk for run in runs]).locked()
    Execution.objects.filter(pk__in=keys, state=State.QUEUED).update(
        **over(State.SKIPPED, Reason.REPLACED, now), held=False
    )
    Execution.objects.filter(pk__in=keys, state=State.RUNNING, stop_requested_at=None).update(
        stop_requested_at=now, stop_reason=Reason.REPLACED
    )


def release(jobs: Iterable[int | None]) -> None:
    """Releases the next held run of each job (by its key) if no other run of the job is active.

    Called after the transaction that ended the run before it, not in it: it updates rows that others may have locked. After
    a crash in between, the reconciler calls it.
    """
    keys = {job for job in jobs if job is not None}
    held = Execution.objects.filter(job_id__in=keys, state=State.QUEUED, held=True)
    heads: dict[int, Execution] = {}
    for run in held.order_by("due_at", "id").only("pk", "uid", "kind", "job_id"):
        heads.setdefault(run.job_id or 0, run)
    if not heads:
        return
    busy = Execution.objects.filter(job_id__in=heads).open().filter(held=False)
    for job in set(busy.values_list("job_id", flat=True)):
        heads.pop(job or 0, None)
    let_go = [run for run in heads.values() if held.filter(pk=run.pk).update(held=False)]
    if let_go:
        transaction.on_commit(partial(publish, let_go))
