"""Permission classes, and lookups of what a path names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User
from accounts.rest.permissions import account
from environments import usage
from environments.models import Environment, EnvironmentQuerySet, Operation
from scheduler_site.rest.views import ApiError, as_uuid

if TYPE_CHECKING:
    from rest_framework.views import APIView


class _Needs(BasePermission):
    """A permission of the role table; those over environments go with the right to run code."""

    permission: ClassVar[str]
    message = "Environments are changed by those who may run code"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.has_perm(self.permission)


class MayAdd(_Needs):
    permission = "environments.add_environment"


class MayChange(_Needs):
    permission = "environments.change_environment"


class MayDelete(_Needs):
    permission = "environments.delete_environment"


def visible(request: Request) -> EnvironmentQuerySet:
    return Environment.objects.visible_to(account(request))


def one(request: Request, environment_id: str) -> Environment:
    """404 for what is not there. With its number of jobs."""
    uid = as_uuid(environment_id)
    rows = usage.with_jobs(visible(request)).select_related("created_by")
    found = rows.filter(uid=uid).first() if uid else None
    if found is None:
        raise ApiError(404, "Environment not found", "There is no environment with this id.")
    return found


def changeable(request: Request, environment_id: str) -> Environment:
    """404 as above, and 403 for one that may be seen but not changed."""
    found = one(request, environment_id)
    if not may_change(account(request), found):
        raise foreign()
    return found


def may_change(user: User, environment: Environment) -> bool:
    return Environment.objects.changeable_by(user).filter(pk=environment.pk).exists()


def foreign() -> ApiError:
    return ApiError(403, "Insufficient permissions", "You may change the environments that you made.")


def operation(request: Request, operation_id: str) -> Operation:
    """404 for what is not there. Of an environment that is gone its operations stay."""
    uid = as_uuid(operation_id)
    rows = Operation.objects.select_related("environment", "requested_by")
    found = rows.filter(uid=uid).first() if uid else None
    if found is None or not account(request).has_perm("environments.view_environment"):
        raise ApiError(404, "Operation not found", "There is no operation with this id.")
    return found
