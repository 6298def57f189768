"""The base class of REST views. Apps import from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, TypeVar, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, resolve
from django.utils.encoding import escape_uri_path
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scheduler_site.lib import strict_json
from scheduler_site.lib.deferred import Wait, later
from scheduler_site.rest import unknown_keys
from scheduler_site.rest.errors import (
    BARE,
    ApiError,
    DetailError,
    Problem,
    SchemaError,
    exception_handler,
    too_many,
)
from scheduler_site.rest.operator_tokens import OperatorRefused, check_operator, without_operator
from scheduler_site.rest.parsers import StrictFormParser, StrictJSONParser
from scheduler_site.rest.query import (
    DateRange,
    as_uuid,
    boolean,
    date_range,
    integer,
    moment,
    refuse_odd_texts,
    timestamp,
)

__all__ = [
    "BARE",
    "ApiError",
    "ApiView",
    "DateRange",
    "DetailError",
    "Problem",
    "SchemaError",
    "StrictFormParser",
    "StrictJSONParser",
    "as_uuid",
    "boolean",
    "date_range",
    "exception_handler",
    "integer",
    "moment",
    "not_found",
    "refuse_odd_texts",
    "timestamp",
    "too_many",
]

Given = TypeVar("Given", bound=Response)


class JSONAlways(DefaultContentNegotiation):
    """Always answers JSON, whatever the client accepts."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], str(renderers[0].media_type)


class ApiView(APIView):
    """Base of the REST views. Order of refusals: 405, 401, role 403, operator 401, odd texts 400, then what the view says.

    `method_permissions` names what a method needs besides an account, e.g. `{"POST": needs("jobs.run_job")}`. Where a view is
    not `traced`, its writes change nothing that somebody could be asked about, and no operator's token is looked for.
    """

    method_permissions: ClassVar[Mapping[str, type[BasePermission]]] = {}
    traced: ClassVar[bool] = True
    # Where the API's document shows its routes.
    tag: ClassVar[str] = "System"
    parser_classes: Sequence[type[BaseParser]] = (StrictJSONParser,)
    content_negotiation_class = JSONAlways
    metadata_class = None
    # What was given and has no effect, in words: added to a good answer.
    notes: tuple[str, ...] = ()
    _read: dict[str, Any] | None = None
    _before: Any = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if getattr(self, (request.method or "").lower(), None) is None or request.method == "OPTIONS":
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)
        if self.traced and request.method not in SAFE_METHODS:
            self._check_operator(request)
        refuse_odd_texts(request.query_params)
        if any(strict_json.problem_of(str(value)) for value in kwargs.values()):
            raise exceptions.NotFound

    @staticmethod
    def _check_operator(request: Request) -> None:
        try:
            check_operator(request._request)
        except OperatorRefused as refusal:
            raise DetailError(401, str(refusal)) from refusal

    def get_permissions(self) -> list[Any]:
        method = "GET" if self.request.method == "HEAD" else self.request.method or ""
        needed = self.method_permissions.get(method)
        return [*super().get_permissions(), *([needed()] if needed else [])]

    def require_json(self) -> None:
        """400 unless the request says that it carries JSON."""
        if "application/json" not in self.request.META.get("CONTENT_TYPE", "").lower():
            raise ApiError(400, "Content-Type must be application/json", BARE)

    def payload(self, *, optional: bool = False) -> dict[str, Any]:
        """The body, a JSON object; 400 otherwise. With `optional` no body at all is an empty object."""
        empty = self.request.META.get("CONTENT_LENGTH") in (None, "", "0")
        if empty and optional:
            return {}
        self.require_json()
        if empty:
            raise ApiError(400, "Invalid JSON", BARE)
        data = self.request.data
        if not isinstance(data, dict):
            raise ApiError(400, "Invalid payload", "The body must be a JSON object.")
        self._read = without_operator(data) if self.traced else data
        self._look_before(self._read)
        return self._read

    # What is ignored is said -----------------------------------------------------------------------------------------

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        data = getattr(response, "data", None)
        if response.status_code < 300 and isinstance(data, dict) and (told := self._warnings(data)):
            response.data = data | {"warnings": [*data.get("warnings", ()), *told]}
        return super().finalize_response(request, response, *args, **kwargs)

    def _warnings(self, answer: Any) -> list[str]:
        handler = self._handler()
        found = unknown_keys.in_body(self._given(), getattr(handler, "request_schema", None))
        query = unknown_keys.in_query(self.request.query_params, getattr(handler, "query", ()))
        repeated = [way for parser in self.request.parsers or () for way in getattr(parser, "repeated", ())]
        repeated += [f"?{name}" for name, values in self.request.query_params.lists() if len(values) > 1]
        return [
            *unknown_keys.of_repeated(repeated),
            *unknown_keys.warnings(found, answer, self._before),
            *unknown_keys.warnings(query),
            *(
                text
                for words in getattr(handler, "words", ())
                for text in unknown_keys.of_values(
                    words.name, words.unknown(self.request.query_params), words.known
                )
            ),
            *self.notes,
        ]

    def _handler(self) -> Any:
        method = (self.request.method or "").lower()
        return getattr(self, "get" if method == "head" else method, None)

    def _given(self) -> dict[str, Any]:
        """The body, also of a route that reads none; nothing where it is no JSON object."""
        if self._read is not None or self.request.method in SAFE_METHODS:
            return self._read or {}
        try:
            data = self.request.data if self.request.META.get("CONTENT_LENGTH") not in (None, "", "0") else {}
        except exceptions.APIException:
            return {}
        if not isinstance(data, dict):
            return {}
        return without_operator(dict(data)) if self.traced else dict(data)

    def _look_before(self, body: dict[str, Any]) -> None:
        """Keeps the object as it is, where a body that changes it may have come from reading it."""
        handler, read = self._handler(), getattr(self, "get", None)
        if (
            self.request.method == "PUT"
            and read
            and unknown_keys.in_body(body, getattr(handler, "request_schema", None))
        ):
            with suppress(exceptions.APIException):
                self._before = read(self.request, **self.kwargs).data

    def later(self, request: Request, wait: Wait, then: Callable[[], Given]) -> Given:
        """What `then` answers as soon as `wait` is over; no thread is held meanwhile (scheduler_site/lib/deferred.py).

        What is returned only stands for that answer.
        """

        def answer() -> HttpResponseBase:
            try:
                response: Response = then()
            except Exception as error:
                response = self.handle_exception(error)
            finished: Response = self.finalize_response(request, response).render()
            return finished

        found = later(request._request, wait, then, account=request.user.pk, after=answer)
        return cast("Given", found)


@csrf_exempt
def not_found(request: HttpRequest, path: str = "") -> HttpResponseBase:  # noqa: ARG001
    """The end of the API's URL list: a path with a trailing slash is sent to the one without; else 404."""
    if request.path.endswith("/") and _leads_somewhere(request.path_info.rstrip("/")):
        query = request.META.get("QUERY_STRING", "")
        location = escape_uri_path(request.path.rstrip("/")) + (f"?{query}" if query else "")
        return HttpResponse(status=307, headers={"Location": location})
    return JsonResponse({"detail": "Not Found"}, status=404)


def _leads_somewhere(path: str) -> bool:
    try:
        return resolve(path).func is not not_found
    except Resolver404:
        return False
