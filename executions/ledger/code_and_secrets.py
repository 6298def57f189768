"""Checks at the claim of a run, because the job may have changed meanwhile: may its code run, and with which secrets?"""

from __future__ import annotations

from collections.abc import Sequence

from accounts.models import User
from executions.models import Execution, Trigger
from jobs import code_permission
from jobs.changes import secret_targets
from jobs.models import Job


def suspended(rows: Sequence[Execution]) -> dict[int, str]:
    """The runs of code (by their keys) that may not start, each with the reason; their code is suspended from now on.

    rows: they come with `owner` and `by_installation` of their jobs. One query where nothing is suspended, none where no run is
    of code.
    """
    code = [row for row in rows if row.kind in Job.CODE_KINDS and row.job_id]
    starters = {
        row.pk: row.requested_by_id for row in code if row.trigger == Trigger.MANUAL and row.requested_by_id
    }
    owners = {row.pk: getattr(row, "owner", None) for row in code}
    people = {key for key in (*starters.values(), *owners.values()) if key}
    users = User.objects.in_bulk(people) if people else {}
    found, stopped = dict[int, str](), dict[int, str]()
    for row in code:
        owner = users.get(owners[row.pk] or 0)
        if reason := code_permission.why_not(
            owner, by_installation=bool(getattr(row, "by_installation", False))
        ):
            found[row.pk] = str(Job.Suspension(reason).label)
            stopped[row.job_id or 0] = reason
        elif row.pk in starters:
            starter = users.get(starters[row.pk])
            if starter is None or not starter.has_perm(code_permission.RIGHT):
                found[row.pk] = "Who started it may not run code."
    for job in Job.objects.filter(pk__in=stopped) if stopped else ():
        if job.is_code:
            code_permission.suspend(job, stopped[job.pk])
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
        and secret_targets.audience(row.kind, row.definition["options"])
        == secret_targets.audience(job.kind, job.options)
    }
