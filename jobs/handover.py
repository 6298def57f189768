"""Giving a job to another owner."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import home_category
from audit.models import Entry
from audit.record import Actor, difference, record
from jobs import code_permission
from jobs.changes import incidents
from jobs.models import Job
from jobs.verbs import Refused


def why_not(job: Job, owner: User, *, by: User | None) -> str:
    """Why `by` may not give the job to `owner`; empty where he may. Somebody without an account is the system."""
    if by is not None and not by.has_perm("jobs.change_all_jobs"):
        return _("Only administrators may give a job to somebody else.")
    if not owner.is_active or not owner.has_perm("jobs.change_job"):
        return _("%(who)s may not own jobs.") % {"who": owner}
    if home_category(owner) not in (None, job.category_id):
        return _("%(who)s may not see this job.") % {"who": owner}
    if job.is_code and not owner.has_perm(code_permission.RIGHT):
        return _("%(who)s may not run code.") % {"who": owner}
    return ""


@transaction.atomic
def hand_over(job: Job, owner: User, *, by: Actor) -> bool:
    """Makes `owner` the owner of the job, and puts its code back on its schedule. False when he is already. Raises Refused."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if reason := why_not(job, owner, by=by.user):
        raise Refused(reason)
    if job.owner_id == owner.pk:
        return False
    before, job.owner, job.updated_by = str(job.owner or ""), owner, by.user
    job.save(update_fields=["owner", "updated_by", "updated_at"])
    record(Entry.Event.MODIFIED, job, by=by, changes=difference({"owner": before}, {"owner": str(owner)}))
    incidents.follow(job)
    code_permission.reinstate(job, by=by)
    return True
