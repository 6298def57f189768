"""Jobs and runs that an account may see or change; an account with a category, administrators too, sees only that."""

from __future__ import annotations

from typing import NoReturn

from django.db.models import Exists

from accounts.models import User
from compat.ndscheduler.identifiers import as_uuid
from compat.ndscheduler.views.base import DENIED, refuse
from executions.models import Execution, ExecutionQuerySet
from jobs.changes import loading
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
    found = (
        loading.first_with_related(loading.with_related(jobs(user), **asked).filter(uid=uid)) if uid else None
    )
    if found is None:
        no_such_job(job_id, status)
    return found


def changeable_job(user: User, job_id: str, *, status: int) -> Job:
    """The same, and 403 for a job that may be seen but not changed."""
    found = _found(user, job_id, status, may_change=loading.is_changeable(user))
    if not found.__dict__["may_change"]:
        refuse(403, DENIED)
    return found


def no_such_job(job_id: str, status: int) -> NoReturn:
    refuse(status, f"Job not found: {job_id}")
