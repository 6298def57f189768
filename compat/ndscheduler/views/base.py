"""The base view of this dialect: authentication, permissions, and the two shapes of errors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from django.http import HttpRequest

from audit.record import Actor
from compat import same_origin
from compat.ndscheduler import tokens
from compat.ndscheduler.identifiers import Numbers
from compat.views import JSON_TYPE, Answer, DialectView, Refused, as_json, response
from scheduler_site.lib import strict_json
from scheduler_site.rest.operator_tokens import check_operator

__all__ = ["DENIED", "JSON_TYPE", "Answer", "Refusal", "V1View", "as_json", "coded", "refuse", "response"]

SURFACE = "v1"
DENIED = "Permission denied"


class Refusal(Refused):
    """An answer other than the one asked for: `{"error": ...}`."""

    def __init__(self, status: int, error: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, {"error": error}, headers)


def refuse(status: int, text: str) -> NoReturn:
    """`{"error": text}`."""
    raise Refusal(status, text)


def coded(status: int, text: str) -> Refusal:
    """`{"error": {"code": status, "message": text}}`."""
    return Refusal(status, {"code": status, "message": text})


class V1View(DialectView):
    """Order of refusals: method, account, origin of a write by cookie, right. `needs` names the permission that
    a method needs besides an account.
    """

    needs: ClassVar[Mapping[str, str]] = {}

    def failure(self, status: int, text: str) -> dict[str, Any]:
        return {"error": {"code": status, "message": text}}

    def let_in(self, request: HttpRequest, method: str) -> None:
        user, by_cookie = tokens.account(request)
        if user is None:
            raise self.unauthorized()
        if method != "GET" and by_cookie and not same_origin.is_ours(request):
            refuse(403, "A request from another origin needs an Authorization header")
        self.user = request.user = user
        permission = self.needs.get(method)
        if permission is not None and not user.has_perm(permission):
            refuse(403, DENIED)
        if method != "GET":
            check_operator(request)

    def unauthorized(self) -> Refusal:
        return coded(401, "Unauthorized")

    @cached_property
    def numbers(self) -> Numbers:
        """The categories, as they were when this request began."""
        return Numbers()

    @property
    def by(self) -> Actor:
        return Actor.request(self.request, SURFACE)

    def body(self) -> dict[str, Any]:
        """The JSON object of the request, whatever its Content-Type says; 400 otherwise."""
        try:
            value = strict_json.loads(self.request.body)
        except ValueError as error:
            raise Refusal(400, f"Invalid JSON format: {error}") from error
        if not isinstance(value, dict):
            refuse(400, "Invalid JSON format: an object is expected")
        return value
