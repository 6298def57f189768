"""Tells everybody's inbox what people do to jobs (v2 wire facts, section 11); called in the transaction of the verb.

What Belfry itself does (a pause that is over, an end date that has passed) is told by others, or by nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_noop as _

from audit.record import Actor
from notifications import inbox
from notifications.models import Notification
from notifications.texts import Text

if TYPE_CHECKING:
    from jobs.models import Job

Type = Notification.Type


def created(job: Job, by: Actor) -> None:
    _tell(job, by, _("New Job Created"), _("Job '%(job)s' was created by %(who)s"), Type.INFO)


def updated(job: Job, by: Actor) -> None:
    _tell(job, by, _("Job Updated"), _("Job '%(job)s' was updated by %(who)s"), Type.INFO)


def enabled(job: Job, by: Actor) -> None:
    _tell(job, by, _("Job Enabled"), _("Job '%(job)s' was enabled by %(who)s"), Type.INFO)


def disabled(job: Job, by: Actor) -> None:
    _tell(job, by, _("Job Disabled"), _("Job '%(job)s' was disabled by %(who)s"), Type.WARNING)


def deleted(job: Job, by: Actor) -> None:
    """To be called before the job goes: its earlier notices lose their link, as there is nothing to lead to."""
    Notification.objects.filter(related_job_uid=job.uid).update(related_job_uid=None)
    _tell(job, by, _("Job Deleted"), _("Job '%(job)s' was deleted by %(who)s"), Type.WARNING, linked=False)


def quarantined(job: Job, reason: str) -> None:
    """Tells the owner and the administrators that the job does not run any more."""
    text = _("Job '%(job)s' cannot be scheduled: %(reason)s")
    message = Text(text, job=job.name, reason=reason[:2000])
    people = inbox.responsible(job.owner_id)
    inbox.tell(people, Text(_("Job Cannot Be Scheduled")), message, Type.ERROR, job_uid=job.uid)


def moved(job: Job) -> None:
    """The job has another category: what was told of it to those who do not see it any more is taken back."""
    told = Notification.objects.filter(related_job_uid=job.uid)
    told.exclude(user__in=inbox.everybody(job.category_id)).delete()


def code_suspended(job: Job, reason: str) -> None:
    """Tells the owner and the administrators that the job does not run any more."""
    text = _("The code of job '%(job)s' is suspended: %(reason)s")
    texts = {
        "inactive": _("The owner's account is not active."),
        "right": _("The owner may not run code."),
        "ownerless": _("The job has no owner any more."),
    }
    message = Text(text, job=job.name, reason=Text(texts[reason]))
    inbox.tell(
        inbox.responsible(job.owner_id), Text(_("Code Suspended")), message, Type.WARNING, job_uid=job.uid
    )


def code_reinstated(job: Job) -> None:
    message = Text(_("The code of job '%(job)s' may run again; the job follows its schedule"), job=job.name)
    people = inbox.responsible(job.owner_id)
    inbox.tell(people, Text(_("Code Reinstated")), message, Type.INFO, job_uid=job.uid)


def _tell(job: Job, by: Actor, title: str, text: str, type: Type, *, linked: bool = True) -> None:  # noqa: A002
    if by.user is None or by.quiet:
        return
    message = Text(text, job=job.name, who=by.user.email or by.user.get_username())
    uid = job.uid if linked else None
    inbox.tell(inbox.everybody(job.category_id), Text(title), message, type, job_uid=uid)
