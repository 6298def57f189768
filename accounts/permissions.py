"""What a REST route needs besides an account; the texts are those of the v2 wire facts, 1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User

if TYPE_CHECKING:
    from rest_framework.views import APIView


def account(request: HttpRequest) -> User:
    """Who sends the request, where the route has let in accounts only."""
    return cast(User, request.user)


class AdminOnly(BasePermission):
    message = "Admin access required"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.is_admin


class WriterOnly(BasePermission):
    """Users and admins, not viewers."""

    message = "User or admin access required"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.is_writer
