"""The jobs that an account may see or change, and finding the one that a path names."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from accounts.models import User
from jobs.changes import loading
from jobs.models import Job
from scheduler_site.rest.views import ApiError, as_uuid

SURFACE = "api"
# Also 403: a foreign job, and code without the right to it.
NOT_YOURS = {403: "The role, or this job, or code on the server, is not for this account."}


class WithLastStart(Protocol):
    """A job out of `with_last_start`."""

    last_started_at: dt.datetime | None


def visible_job(user: User, job_id: str) -> Job:
    """404 for a job that does not exist or is not to be seen."""
    return _found(user, job_id)


def named_job(user: User, job_id: str) -> Job:
    """The same with its name alone, for what is told of other rows: the rest of it would take most of the time."""
    uid = as_uuid(job_id)
    job = Job.objects.visible_to(user).filter(uid=uid).only("uid", "name").order_by().first() if uid else None
    if job is None:
        raise no_such_job()
    return job


def _found(user: User, job_id: str, **asked: Exists) -> Job:
    """With all that an answer tells of it, and the answers to what is `asked` beside it, in one statement."""
    uid = as_uuid(job_id)
    if uid is None:
        raise no_such_job()
    jobs = with_last_start(loading.with_related(Job.objects.visible_to(user), **asked))
    job = loading.first_with_related(jobs.filter(uid=uid))
    if job is None:
        raise no_such_job()
    return job


def changeable_job(user: User, job_id: str) -> Job:
    """404 as above, and 403 for a job that may be seen but not changed."""
    job = _found(user, job_id, may_change=loading.is_changeable(user))
    if not job.__dict__["may_change"]:
        text = "You may change your own jobs; code needs a right of its own."
        raise ApiError(403, "Insufficient permissions", text)
    return job


def no_such_job() -> ApiError:
    return ApiError(404, "Job not found", "There is no job with this id.")


def expired() -> ApiError:
    return ApiError(400, "Job expired", "The job's end date has passed. Give it a new one first.")


def with_last_start(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """With `last_started_at`: when the latest of its due times that ran was started.

    Through the relation's name, since jobs know nothing of executions; one row of an index for each job.
    """
    started = (
        Job.objects.filter(pk=OuterRef("pk"), executions__started_at__isnull=False)
        .order_by("-executions__due_at", "-executions__id")
        .values("executions__started_at")[:1]
    )
    return jobs.annotate(last_started_at=Subquery(started))
