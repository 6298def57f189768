"""Checks at the claim of a run, since things may have changed while it was queued: may its code run, and with which secrets?"""

from __future__ import annotations

from collections.abc import Sequence

from accounts.models import User
from executions.models import Execution, Trigger
from jobs import code_right
from jobs.changes import origins
from jobs.models import Job


def suspended(rows: Sequence[Execution]) -> dict[int, str]:
    """The runs of code (by their keys) that may not start, each with the reason; their code is suspended from now on.

    At most two queries, none where no run is of code.
    """
    code = [row for row in rows if row.kind in Job.CODE_KINDS and row.job_id]
    if not code:
        return {}
    jobs = Job.objects.select_related("owner").in_bulk({row.job_id for row in code})
    by_hand = {row.requested_by_id for row in code if row.trigger == Trigger.MANUAL and row.requested_by_id}
    starters = User.objects.in_bulk(by_hand) if by_hand else {}
    found: dict[int, str] = {}
    for row in code:
        job = jobs.get(row.job_id or 0)
        if job is None:
            continue
        if reason := code_right.why_not(job.owner, by_installation=job.by_installation):
            if job.is_code:
                code_right.suspend(job, reason)
            found[row.pk] = str(Job.Suspension(reason).label)
        elif row.trigger == Trigger.MANUAL and row.requested_by_id:
            starter = starters.get(row.requested_by_id)
            if starter is None or not starter.has_perm(code_right.RIGHT):
                found[row.pk] = "Who started it may not run code."
    return found


def entitled(rows: Sequence[Execution]) -> set[int]:
    """The runs (by their keys) that go where the secrets of their jobs belong, as these are now.

    One query, none where no job has secrets.
    """
    having = [row for row in rows if getattr(row, "job_secrets", None) and row.job_id]
    if not having:
        return set()
    jobs = Job.objects.only("kind", "options").in_bulk({row.job_id for row in having})
    return {
        row.pk
        for row in having
        if (job := jobs.get(row.job_id or 0))
        and origins.audience(row.kind, row.definition["options"]) == origins.audience(job.kind, job.options)
    }
