"""What an account finds in this dialect: what it sees, and of that its own category when it has one, administrators too."""

from __future__ import annotations

from typing import NoReturn

from accounts.models import User
from compat.ndscheduler.numbering import as_uuid
from compat.ndscheduler.views.base import DENIED, refuse
from executions.models import Execution, ExecutionQuerySet
from jobs.models import Job, JobQuerySet


def jobs(user: User) -> JobQuerySet:
    found = Job.objects.visible_to(user)
    return found.filter(category_id=user.category_id) if user.category_id else found


def runs(user: User) -> ExecutionQuerySet:
    found = Execution.objects.visible_to(user)
    return found.filter(category_id=user.category_id) if user.category_id else found


def job(user: User, job_id: str, *, status: int) -> Job:
    """The job of an id; `status` for one that does not exist or is not to be seen."""
    uid = as_uuid(job_id)
    found = jobs(user).filter(uid=uid).first() if uid else None
    if found is None:
        no_such_job(job_id, status)
    return found


def changeable_job(user: User, job_id: str, *, status: int) -> Job:
    """The same, and 403 for a job that may be seen but not changed."""
    found = job(user, job_id, status=status)
    if not Job.objects.changeable_by(user).filter(pk=found.pk).exists():
        refuse(403, DENIED)
    return found


def no_such_job(job_id: str, status: int) -> NoReturn:
    refuse(status, f"Job not found: {job_id}")
