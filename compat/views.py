"""The base view of all dialects: the order of checks, and errors in the shape of the dialect."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, resolve
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from accounts.models import User
from scheduler_site.lib import strict_json
from scheduler_site.lib.deferred import Wait, later
from scheduler_site.rest import database_unavailable
from scheduler_site.rest.operator_tokens import OperatorRefused

logger = logging.getLogger(__name__)

JSON = Mapping[str, Any] | list[Any]
T = TypeVar("T")
# Of a handler that waits in between: it yields what for, and no thread is held meanwhile.
Steps = Generator[Wait, None, T]
Answer = JSON | tuple[int, JSON] | HttpResponseBase | Generator[Wait, None, Any]
JSON_TYPE = "application/json; charset=UTF-8"


class Refused(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status: int, body: JSON, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status, self.body, self.headers = status, body, headers


@method_decorator(csrf_exempt, name="dispatch")
class DialectView(View):
    """A handler answers with a body, with a status and a body, or with a whole response; as `Steps` it waits in between.

    Order of refusals: method, then what `let_in` asks for, unless `open_to_all` says that it is not asked.
    """

    open_to_all = False
    # OPTIONS is a verb of a dialect where a view says so, and nowhere Django's own answer.
    http_method_names = ["get", "post", "put", "patch", "delete"]
    user: User

    def failure(self, status: int, text: str) -> JSON:
        """The body of a refusal that is no dialect's own."""
        raise NotImplementedError

    def let_in(self, request: HttpRequest, method: str) -> None:
        """Sets `user`, or raises Refused or OperatorRefused."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._answered(lambda: self._handled(request, kwargs))

    def _answered(self, work: Callable[[], Answer]) -> HttpResponseBase:
        request = self.request
        try:
            answer = work()
            return self._next(answer) if isinstance(answer, Generator) else response(answer)
        except Refused as refusal:
            return as_json(refusal.status, refusal.body, refusal.headers)
        except OperatorRefused as refusal:
            return as_json(401, {"detail": str(refusal)})
        except RequestDataTooBig:
            return as_json(413, self.failure(413, "Payload too large"))
        except SuspiciousOperation:
            return as_json(400, self.failure(400, "Bad request"))
        except database_unavailable.DATABASE_ERRORS as error:
            database_unavailable.note(error, request.path)
            told = self.failure(database_unavailable.STATUS, database_unavailable.TEXT)
            return as_json(database_unavailable.STATUS, told, database_unavailable.HEADERS)
        except Exception:
            logger.exception("request_failed", extra={"path": request.path})
            return as_json(500, self.failure(500, "Internal server error"))

    def _next(self, steps: Steps[Any]) -> HttpResponseBase:
        """Goes on until the handler waits again, or has its answer."""
        try:
            wait = next(steps)
        except StopIteration as end:
            return response(end.value)
        # What it does after a wait is done for clients that have left, too.
        return later(self.request, wait, lambda: self._answered(lambda: steps), to_the_end=True)

    def _handled(self, request: HttpRequest, kwargs: dict[str, str]) -> Answer:
        method = request.method or ""
        handler = getattr(self, method.lower(), None) if method != "HEAD" else None
        if handler is None or method.lower() not in self.http_method_names:
            raise self._not_allowed()
        if not self.open_to_all:
            self.let_in(request, method)
        if any(strict_json.problem_of(str(value)) for value in kwargs.values()):
            raise Refused(404, self.failure(404, "Not Found"))
        answer: Answer = handler(request, **kwargs)
        return answer

    def _not_allowed(self) -> Refused:
        """With the methods that there are (RFC 9110, 15.5.6)."""
        allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
        return Refused(405, self.failure(405, "Method Not Allowed"), {"Allow": ", ".join(allowed)})


def slash_or_not_found(
    kind: type[DialectView], not_found: Callable[..., HttpResponseBase]
) -> Callable[..., HttpResponseBase]:
    """For all paths that are left: one with a trailing slash is served like the one without, where that is a `kind`'s."""

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.endswith("/"):
            with suppress(Resolver404):
                match = resolve(request.path_info.rstrip("/"))
                if issubclass(getattr(match.func, "view_class", type), kind):
                    found: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
                    return found
        return not_found(request)

    return view


def response(answer: JSON | tuple[int, JSON] | HttpResponseBase) -> HttpResponseBase:
    if isinstance(answer, HttpResponseBase):
        return answer
    status, body = answer if isinstance(answer, tuple) else (200, answer)
    return as_json(status, body)


def as_json(status: int, body: JSON, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return JsonResponse(
        body,
        safe=False,
        status=status,
        json_dumps_params={"ensure_ascii": False},
        content_type=JSON_TYPE,
        headers=headers,
    )
