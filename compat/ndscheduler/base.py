"""What all views of this dialect have in common: who asks, what he may, and the two shapes of errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from accounts.models import User
from audit.record import By
from compat.ndscheduler import origin, tokens
from compat.ndscheduler.numbering import Numbers
from scheduler_site import strict_json, unavailable
from scheduler_site.operators import OperatorRefused, check_operator

SURFACE = "v1"
DENIED = "Permission denied"
logger = logging.getLogger(__name__)

Right = Callable[[User], bool]
Answer = dict[str, Any] | tuple[int, dict[str, Any]] | HttpResponse


class Refusal(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status: int, error: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(error))
        self.status, self.error, self.headers = status, error, headers


def refuse(status: int, text: str) -> NoReturn:
    """`{"error": text}`."""
    raise Refusal(status, text)


def coded(status: int, text: str) -> Refusal:
    """`{"error": {"code": status, "message": text}}`."""
    return Refusal(status, {"code": status, "message": text})


def is_writer(user: User) -> bool:
    """May change and run jobs."""
    return user.is_writer


def is_admin(user: User) -> bool:
    return user.is_admin


@method_decorator(csrf_exempt, name="dispatch")
class V1View(View):
    """A handler answers with a body, with a status and a body, or with a whole response.

    Order of refusals: method, account, origin of a write by cookie, right. `needs` names what a method needs besides an
    account.
    """

    needs: ClassVar[Mapping[str, Right]] = {}
    open_to_all = False
    # OPTIONS is a verb of the dialect where a view says so, and nowhere Django's own answer.
    http_method_names = ["get", "post", "put", "patch", "delete"]
    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return response(self._handled(request, kwargs))
        except Refusal as refusal:
            return _json(refusal.status, {"error": refusal.error}, refusal.headers)
        except OperatorRefused as refusal:
            return _json(401, {"detail": str(refusal)})
        except RequestDataTooBig:
            return _json(413, {"error": {"code": 413, "message": "Payload too large"}})
        except SuspiciousOperation:
            return _json(400, {"error": {"code": 400, "message": "Bad request"}})
        except unavailable.DATABASE_ERRORS as error:
            unavailable.note(error, request.path)
            told = {"code": unavailable.STATUS, "message": unavailable.TEXT}
            return _json(unavailable.STATUS, {"error": told}, unavailable.HEADERS)
        except Exception:
            logger.exception("request_failed", extra={"path": request.path})
            return _json(500, {"error": {"code": 500, "message": "Internal server error"}})

    def _handled(self, request: HttpRequest, kwargs: dict[str, str]) -> Answer:
        method = request.method or ""
        handler = getattr(self, method.lower(), None) if method != "HEAD" else None
        if handler is None or method.lower() not in self.http_method_names:
            raise self._not_allowed()
        if not self.open_to_all:
            self._let_in(request, method)
        if any(strict_json.problem_of(str(value)) for value in kwargs.values()):
            raise coded(404, "Not Found")
        answer: Answer = handler(request, **kwargs)
        return answer

    def _let_in(self, request: HttpRequest, method: str) -> None:
        user, by_cookie = tokens.account(request)
        if user is None:
            raise self.unauthorized()
        if method != "GET" and by_cookie and not origin.is_ours(request):
            refuse(403, "A request from another origin needs an Authorization header")
        self.user = request.user = user
        right = self.needs.get(method)
        if right is not None and not right(user):
            refuse(403, DENIED)
        if method != "GET":
            check_operator(request)

    def _not_allowed(self) -> Refusal:
        """With the methods that there are (RFC 9110, 15.5.6)."""
        allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
        refusal = coded(405, "Method Not Allowed")
        return Refusal(refusal.status, refusal.error, {"Allow": ", ".join(allowed)})

    def unauthorized(self) -> Refusal:
        return coded(401, "Unauthorized")

    @cached_property
    def numbers(self) -> Numbers:
        """The categories, as they were when this request began."""
        return Numbers()

    @property
    def by(self) -> By:
        return By.request(self.request, SURFACE)

    def body(self) -> dict[str, Any]:
        """The JSON object of the request, whatever its Content-Type says; 400 otherwise."""
        try:
            value = strict_json.loads(self.request.body)
        except ValueError as error:
            raise Refusal(400, f"Invalid JSON format: {error}") from error
        if not isinstance(value, dict):
            refuse(400, "Invalid JSON format: an object is expected")
        return value


def response(answer: Answer) -> HttpResponse:
    if isinstance(answer, HttpResponse):
        return answer
    status, body = answer if isinstance(answer, tuple) else (200, answer)
    return _json(status, body)


def _json(status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> HttpResponse:
    options = {"ensure_ascii": False}
    kind = "application/json; charset=UTF-8"
    return JsonResponse(body, status=status, json_dumps_params=options, content_type=kind, headers=headers)
