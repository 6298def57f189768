"""Tells everybody's inbox what people do to jobs (v2 wire facts, section 11); called in the transaction of the verb.

What Belfry itself does (a pause that is over, an end date that has passed) is told by others, or by nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.record import By
from notifications import inbox
from notifications.models import Notification

if TYPE_CHECKING:
    from jobs.models import Job

Type = Notification.Type


def created(job: Job, by: By) -> None:
    _tell(job, by, "New Job Created", "created", Type.INFO)


def updated(job: Job, by: By) -> None:
    _tell(job, by, "Job Updated", "updated", Type.INFO)


def enabled(job: Job, by: By) -> None:
    _tell(job, by, "Job Enabled", "enabled", Type.INFO)


def disabled(job: Job, by: By) -> None:
    _tell(job, by, "Job Disabled", "disabled", Type.WARNING)


def deleted(job: Job, by: By) -> None:
    """To be called before the job goes: its earlier notices lose their link, as there is nothing to lead to."""
    Notification.objects.filter(related_job_uid=job.uid).update(related_job_uid=None)
    _tell(job, by, "Job Deleted", "deleted", Type.WARNING, linked=False)


def quarantined(job: Job, reason: str) -> None:
    """Nobody did this, but its owner and the admins must know: it does not run any more."""
    message = f"Job '{job.name}' cannot be scheduled: {reason[:2000]}"
    people = inbox.responsible(job.owner_id)
    inbox.tell(people, "Job Cannot Be Scheduled", message, Type.ERROR, job_uid=job.uid)


def _tell(job: Job, by: By, title: str, verb: str, type: Type, *, linked: bool = True) -> None:  # noqa: A002
    if by.user is None:
        return
    message = f"Job '{job.name}' was {verb} by {by.user.email or by.user.get_username()}"
    uid = job.uid if linked else None
    inbox.tell(inbox.everybody(job.category_id), title, message, type, job_uid=uid)
