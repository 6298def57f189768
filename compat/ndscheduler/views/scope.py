"""What an account finds in this dialect: what it sees, and of that its own category when it has one, administrators too."""

from __future__ import annotations

from typing import NoReturn

from django.db.models import Exists

from accounts.models import User
from compat.ndscheduler.numbering import as_uuid
from compat.ndscheduler.views.base import DENIED, refuse
from executions.models import Execution, ExecutionQuerySet
from jobs.changes import standing
from jobs.models import Job, JobQuerySet


def jobs(user: User) -> JobQuerySet:
    found = Job.objects.visible_to(user)
    return found.filter(category_id=user.category_id) if user.category_id else found


def runs(user: User) -> ExecutionQuerySet:
    found = Execution.objects.visible_to(user)
    return found.filter(category_id=user.category_id) if user.category_id else found


def job(user: User, job_id: str, *, status: int) -> Job:
    """The job of an id; `status` for one that does not exist or is not to be seen."""
    return _found(user, job_id, status)


def _found(user: User, job_id: str, status: int, **asked: Exists) -> Job:
    uid = as_uuid(job_id)
    found = standing.first(standing.whole(jobs(user), **asked).filter(uid=uid)) if uid else None
    if found is None:
        no_such_job(job_id, status)
    return found


def changeable_job(user: User, job_id: str, *, status: int) -> Job:
    """The same, and 403 for a job that may be seen but not changed."""
    found = _found(user, job_id, status, may_change=standing.changeable(user))
    if not found.__dict__["may_change"]:
        refuse(403, DENIED)
    return found


def no_such_job(job_id: str, status: int) -> NoReturn:
    refuse(status, f"Job not found: {job_id}")
