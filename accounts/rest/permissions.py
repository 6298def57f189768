"""Permission classes of the REST API; their texts are those of the v2 wire facts, 1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from django.http import HttpRequest
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import roles
from accounts.models import User
from accounts.signin.api_tokens import API_TOKEN
from scheduler_site.rest.errors import ApiError

if TYPE_CHECKING:
    from rest_framework.views import APIView


def account(request: HttpRequest) -> User:
    """The account of a request whose route requires one."""
    return cast(User, request.user)


def by_api_token(request: Request) -> bool:
    auth: object = request.auth
    return isinstance(auth, dict) and auth.get("type") == API_TOKEN


def require_person(request: Request) -> None:
    """403 for an API token: it must not create access that outlives it."""
    if by_api_token(request):
        text = "API tokens can neither manage accounts nor API tokens. Log in instead."
        raise ApiError(403, "Insufficient permissions", text)


class Needs(BasePermission):
    """A permission of the role table."""

    permission: ClassVar[str]

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, User) and request.user.has_perm(self.permission)


def needs(permission: str) -> type[Needs]:
    """The class for `method_permissions` of a view; its refusal names the roles that have the permission."""
    text = "User or admin access required" if permission in roles.USER else "Admin access required"
    return type("Needs", (Needs,), {"permission": permission, "message": text})
