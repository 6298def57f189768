"""Jobs run code only while their owner has `run_code`; else the code is suspended, with the reason.

Who counts: the owner, at each start; and whoever starts a run by hand, himself as well. Of a job that follows another its own
owner, not that of the other. Without an owner it is suspended, unless the installation made it (a command on the server).
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import holders
from audit.models import Entry
from audit.record import Actor, difference, record
from jobs import inactive_periods
from jobs.changes import incidents, notices
from jobs.models import Job, JobQuerySet
from jobs.models.choices import CODE_KINDS
from jobs.next_run import upcoming
from jobs.verbs import Refused
from scheduler_site.lib import clock

RIGHT = "jobs.run_code"
Suspension = Job.Suspension


class CodeSuspended(Refused):
    """The job's code may not start; the text says why."""


def why(job: Job) -> str:
    """Why the code is to be suspended (a value of `Job.Suspension`); empty if it may run."""
    return why_not(job.owner, by_installation=job.by_installation) if job.kind in CODE_KINDS else ""


def why_not(owner: User | None, *, by_installation: bool) -> str:
    """The same for code of this owner."""
    if owner is None:
        return "" if by_installation else Suspension.OWNERLESS
    if not owner.is_active:
        return Suspension.INACTIVE
    return "" if owner.has_perm(RIGHT) else Suspension.RIGHT


def require(job: Job, starter: User | None) -> None:
    """Before a start by hand. Raises CodeSuspended."""
    if reason := why(job):
        raise CodeSuspended(str(Suspension(reason).label))
    if job.kind in CODE_KINDS and starter is not None and not starter.has_perm(RIGHT):
        raise CodeSuspended(_("You may not run code."))


def suspended_among(jobs: list[Job]) -> dict[int, str]:
    """Those of the jobs whose code may not start, with the reason; one query, none where no job is code."""
    code = [job for job in jobs if job.kind in CODE_KINDS]
    owners = User.objects.in_bulk({job.owner_id for job in code if job.owner_id}) if code else {}
    reasons = {
        job.pk: why_not(owners.get(job.owner_id or 0), by_installation=job.by_installation) for job in code
    }
    return {key: reason for key, reason in reasons.items() if reason}


def disallowed() -> JobQuerySet:
    """Jobs that run code although their owner may not."""
    allowed = holders(RIGHT, "owner__") | Q(owner=None, by_installation=True)
    return Job.objects.filter(kind__in=CODE_KINDS).exclude(pk__in=Job.objects.filter(allowed).values("pk"))


@transaction.atomic
def suspend(job: Job, reason: str) -> bool:
    """Takes a job off its schedule and tells its people, once. False when its code was suspended already."""
    now = clock.now()
    if not Job.objects.filter(pk=job.pk, code_suspended="").update(code_suspended=reason, next_run_at=None):
        return False
    label = str(Suspension(reason).label)
    if job.periodic_task_id is not None and not job.quarantine_reason:
        inactive_periods.owner_lost_right(job, now, label)
    record(
        Entry.Event.MODIFIED,
        job,
        by=Actor.system(),
        changes=difference({"code_suspended": ""}, {"code_suspended": label}),
    )
    notices.code_suspended(job, reason)
    return True


@transaction.atomic
def reinstate(job: Job, *, by: Actor) -> bool:
    """Puts a job back on its schedule, with the first due time after now. False while the reason is still there."""
    now = clock.now()
    job = Job.objects.select_for_update().get(pk=job.pk)
    if not job.code_suspended or why(job):
        return False
    before, job.code_suspended = str(Suspension(job.code_suspended).label), ""
    inactive_periods.follow(job, now, by.user)
    job.next_run_at = now if job.pending_segments else upcoming(job, now)
    job.save(update_fields=["code_suspended", "next_run_at", "zone_rules"])
    record(
        Entry.Event.MODIFIED,
        job,
        by=by,
        changes=difference({"code_suspended": before}, {"code_suspended": ""}),
    )
    notices.code_reinstated(job)
    return True


@transaction.atomic
def take_over(job: Job, *, by: Actor) -> bool:
    """Makes the caller the owner, and puts the job back on its schedule. False if he was the owner. Raises Refused.

    By administrators; by others who may change it where it has no owner any more, or its code is suspended.
    """
    job = Job.objects.select_for_update().get(pk=job.pk)
    user = by.user
    if user is not None and job.owner == user:
        return False
    taken = job.owner is not None and job.owner.is_active and not job.code_suspended
    if user is None or (taken and not user.has_perm("jobs.change_all_jobs")):
        raise Refused(_("This job has an owner; administrators may give it another one."))
    if job.kind in CODE_KINDS and not user.has_perm(RIGHT):
        raise CodeSuspended(_("You may not run code."))
    before, job.owner, job.updated_by = str(job.owner or ""), user, user
    job.save(update_fields=["owner", "updated_by", "updated_at"])
    record(Entry.Event.MODIFIED, job, by=by, changes=difference({"owner": before}, {"owner": str(user)}))
    incidents.follow(job)
    reinstate(job, by=by)
    return True
