"""What a REST route needs besides an account; the texts are those of the v2 wire facts, 1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from django.http import HttpRequest
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import roles
from accounts.models import User
from scheduler_site.rest.problems import ApiError

# The `type` of `request.auth` where an API token was sent; that of a login's token is access or refresh.
API_TOKEN = "api_token"  # noqa: S105

if TYPE_CHECKING:
    from rest_framework.views import APIView


def account(request: HttpRequest) -> User:
    """Who sends the request, where the route has let in accounts only."""
    return cast(User, request.user)


def by_api_token(request: Request) -> bool:
    auth: object = request.auth
    return isinstance(auth, dict) and auth.get("type") == API_TOKEN


def require_person(request: Request) -> None:
    """403 for an API token: what it may do must end with it."""
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
