"""The base view of this dialect: authentication and the shapes of its errors."""

from __future__ import annotations

from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from audit.record import Actor
from compat import same_origin
from compat.conda_tasks import sessions
from compat.views import Answer, DialectView, Refused, Steps
from scheduler_site.lib import strict_json
from scheduler_site.rest.operator_tokens import check_operator, without_operator

__all__ = ["Answer", "CondaView", "Refused", "Steps", "forbid", "invalid", "refuse", "unknown"]

SURFACE = "conda"
PRIVILEGES = "Unauthorized - Insufficient privileges"
JSON = "application/json"
# A form, which a page of any origin may send, is never taken; a request without a body need not say what it is.
KINDS = ("", JSON)


def refuse(status: int, message: str, error: str = "", **more: Any) -> NoReturn:
    """`{"success": false, "message": message, "error": error, ...}`; without a detail no `error`."""
    detail = {"error": error} if error else {}
    raise Refused(status, {"success": False, "message": message} | detail | more)


def invalid(message: str, error: str = "", **more: Any) -> NoReturn:
    """400; the detail is the text itself where there is no other."""
    refuse(400, message, error or message, **more)


def forbid(what: str) -> NoReturn:
    """403: `what` completes "You do not have permission to"."""
    refuse(403, PRIVILEGES, f"You do not have permission to {what}")


def unknown(message: str) -> NoReturn:
    refuse(404, message)


@method_decorator(csrf_exempt, name="dispatch")
class CondaView(DialectView):
    """Order of refusals: method, session (401), origin of a write and its kind; then each view: 404, 403, 400."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self._renewed = False
        # Clients compare texts.
        with translation.override("en"):
            answer = super().dispatch(request, *args, **kwargs)
        if self._renewed and isinstance(answer, HttpResponse):
            sessions.set_cookie(answer, request.COOKIES[sessions.COOKIE])
        return answer

    def failure(self, status: int, text: str) -> dict[str, Any]:
        return {"success": False, "message": text}

    def let_in(self, request: HttpRequest, method: str) -> None:
        user, self._renewed = sessions.account(request)
        if user is None:
            refuse(401, "Authentication required", "Please log in to perform this operation")
        self.user = request.user = user
        if method != "GET":
            self.own_write()
            check_operator(request)

    def own_write(self) -> None:
        """403, 400: browsers send cookies on behalf of any page."""
        if not same_origin.is_ours(self.request):
            refuse(403, "Request refused", "It was sent by a page of another origin")
        if self.request.content_type not in KINDS:
            invalid("Invalid request", f"Content-Type must be {JSON}")

    @property
    def by(self) -> Actor:
        return Actor.request(self.request, SURFACE)

    def body(self) -> dict[str, Any]:
        """The JSON object of the request, without what it says of an operator. 400."""
        if self.request.body and self.request.content_type != JSON:
            invalid("Invalid request", f"Content-Type must be {JSON}")
        try:
            value = strict_json.loads(self.request.body)
        except ValueError as error:
            invalid("Invalid JSON", str(error))
        if not isinstance(value, dict):
            invalid("Invalid JSON", "An object is expected")
        return without_operator(value)
