"""What all views of the registry's dialect have in common: the operator's token, paths, and the shape of refusals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from audit.record import Actor, address_of
from scheduler_site.lib import strict_json
from scheduler_site.rest import database_unavailable
from scheduler_site.rest.operator_tokens import OperatorRefused, require_operator

from ..errors import Invalid, Refusal
from . import reader

SURFACE = "themes"
LANGUAGE = "zh-hant"  # that of the guide, whoever asks
WRITES = ("POST", "PUT", "DELETE")
logger = logging.getLogger(__name__)

Answer = Mapping[str, Any] | list[Any] | tuple[int, Any] | HttpResponse


# Cookies give a request nothing here: whose session it bears is never asked, so that no page can use it.
@method_decorator(csrf_exempt, name="dispatch")
class RegistryView(View):
    """A handler answers with a body, with a status and a body, or with a whole response.

    Order of refusals: method, JSON, token, path, and then what the handler finds.
    """

    http_method_names = ["get", "head", "post", "put", "delete"]
    # Methods beside GET that change nothing, and therefore ask for no token.
    open_methods: ClassVar[tuple[str, ...]] = ()
    body: dict[str, Any]
    by: Actor

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with translation.override(LANGUAGE):
            answer = self._answer(request, kwargs)
        answer.headers["Content-Language"] = LANGUAGE
        return answer

    def _answer(self, request: HttpRequest, kwargs: dict[str, str]) -> HttpResponse:
        try:
            return _response(self._handled(request, kwargs))
        except Refusal as refusal:
            return detail(refusal.status, str(refusal))
        except OperatorRefused as refusal:
            return detail(401, str(refusal))
        except RequestDataTooBig:
            return detail(413, "Payload Too Large")
        except SuspiciousOperation:
            return detail(400, "Bad Request")
        except database_unavailable.DATABASE_ERRORS as error:
            database_unavailable.note(error, request.path)
            return detail(
                database_unavailable.STATUS, database_unavailable.TEXT, database_unavailable.HEADERS
            )
        except Exception:
            logger.exception("request_failed", extra={"path": request.path})
            return detail(500, "Internal Server Error")

    def _handled(self, request: HttpRequest, kwargs: dict[str, str]) -> Answer:
        method = request.method or ""
        handler: Callable[..., Answer] | None = getattr(self, method.lower(), None)
        if handler is None or method.lower() not in self.http_method_names:
            allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
            return detail(405, "Method Not Allowed", {"Allow": ", ".join(allowed)})
        if method in WRITES:
            self.body = self._body(request, method)
        kwargs.pop("slash", None)
        if any(strict_json.problem_of(value) for value in kwargs.values()):
            return detail(404, "Not Found")
        if "semester" in kwargs:
            reader.semester({"school_year_semester": kwargs["semester"]})
        return handler(request, **kwargs)

    def _body(self, request: HttpRequest, method: str) -> dict[str, Any]:
        """The JSON object of a write, whatever its Content-Type says, once its operator is known (wire facts, section 1)."""
        try:
            value = strict_json.loads(request.body) if request.body else None
        except ValueError as error:
            raise Invalid("body", str(error)) from error
        if method not in self.open_methods:
            operator = require_operator(request, value)
            self.by = Actor(None, SURFACE, address_of(request), operator)
        if not isinstance(value, dict):
            raise Invalid("body", _("An object is expected."))
        return value


class NotFoundView(RegistryView):
    """Below the dialect's prefixes there is nothing else."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return detail(404, "Not Found")


def detail(status: int, text: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return _json(status, {"detail": text}, headers)


def _response(answer: Answer) -> HttpResponse:
    if isinstance(answer, HttpResponse):
        return answer
    status, body = answer if isinstance(answer, tuple) else (200, answer)
    return _json(status, body)


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> HttpResponse:
    options = {"ensure_ascii": False}
    return JsonResponse(body, status=status, safe=False, json_dumps_params=options, headers=headers)
