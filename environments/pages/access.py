"""What the pages share: lookups that check permission, and refusals."""

from __future__ import annotations

import uuid

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from accounts.pages.request import PageRequest
from environments import usage
from environments.models import Environment, Operation


def visible(request: PageRequest, uid: uuid.UUID) -> Environment:
    """With its number of jobs; 404 for one that is not there."""
    rows = usage.with_jobs(Environment.objects.visible_to(request.user)).select_related("created_by")
    return get_object_or_404(rows, uid=uid)


def changeable(request: PageRequest, uid: uuid.UUID, permission: str = "change") -> Environment:
    """403 for one that may be seen but not changed."""
    found = visible(request, uid)
    if not (request.user.has_perm(f"environments.{permission}_environment") and may_change(request, found)):
        raise PermissionDenied(_("You may view this environment but not change it."))
    return found


def may_change(request: PageRequest, environment: Environment) -> bool:
    return Environment.objects.changeable_by(request.user).filter(pk=environment.pk).exists()


def require_add(request: PageRequest) -> None:
    if not request.user.has_perm("environments.add_environment"):
        raise PermissionDenied(_("Environments are made by those who may run code."))


def visible_operation(request: PageRequest, uid: uuid.UUID) -> Operation:
    if not request.user.has_perm("environments.view_environment"):
        raise PermissionDenied
    rows = Operation.objects.select_related("environment", "requested_by")
    return get_object_or_404(rows, uid=uid)


def may_cancel(request: PageRequest, operation: Operation) -> bool:
    environment = operation.environment
    return operation.is_open and environment is not None and may_change(request, environment)
