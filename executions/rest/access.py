"""The runs that an account may see or stop, and finding the one that a path names."""

from __future__ import annotations

from rest_framework.request import Request

from accounts.models import User
from accounts.rest.permissions import account
from executions.models import Execution, ExecutionQuerySet
from executions.rest.wire import for_wire
from jobs.models import Job
from scheduler_site.rest.views import ApiError, as_uuid


def visible(request: Request) -> ExecutionQuerySet:
    return Execution.objects.visible_to(account(request))


def runs_of(job: Job, user: User) -> ExecutionQuerySet:
    return Execution.objects.visible_to(user).filter(job=job)


def one(rows: ExecutionQuerySet, execution_id: str) -> Execution:
    uid = as_uuid(execution_id)
    run = for_wire(rows).filter(uid=uid).first() if uid else None
    if run is None:
        raise ApiError(404, "Execution not found", "There is no execution with this id.")
    return run


def changeable(request: Request, execution_id: str) -> Execution:
    """404 where it cannot be seen, 403 where its job is not this account's to change."""
    run = one(visible(request), execution_id)
    if not Execution.objects.changeable_by(account(request)).filter(pk=run.pk).exists():
        raise ApiError(403, "Insufficient permissions", "You may stop the runs of your own jobs.")
    return run
