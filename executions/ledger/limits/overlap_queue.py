"""Overlap rule "queue": runs that wait until an earlier run of their job has ended (`held`)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import transaction

from executions.ledger.publish import publish
from executions.models import Execution, State


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
    let_go = [run for run in heads.values() if _let_go(run)]
    if let_go:
        transaction.on_commit(partial(publish, let_go))


def _let_go(run: Execution) -> bool:
    return bool(Execution.objects.filter(pk=run.pk, held=True, state=State.QUEUED).update(held=False))
