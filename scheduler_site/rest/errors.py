"""Errors of the REST API: the exceptions that views raise, and the JSON that they become."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import (
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from scheduler_site.rest import database_unavailable

logger = logging.getLogger(__name__)


class Problem(exceptions.APIException):
    """An answer other than the one asked for: a status and a JSON body."""

    def __init__(self, code: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status_code = code
        self.body = body
        self.headers = dict(headers or {})


# In the place of a message: the documents of the dialect give the whole body, and it has none (v2 wire facts 1.1, 4, 11).
BARE = ""


class ApiError(Problem):
    """A domain error: `{"error": label, "message": text}`; further keys as keywords. `BARE` is for what has no message."""

    def __init__(self, status: int, error: str, message: str, **extra: Any) -> None:
        super().__init__(status, {"error": error} | ({"message": message} if message else {}) | extra)


class DetailError(Problem):
    """An error of the router or of authentication: `{"detail": text}`."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, {"detail": detail}, headers)


class SchemaError(Problem):
    """A value that breaks a declared schema: 422 `{"detail": [{"type", "loc", "msg", "input", "ctx"?}]}`."""

    def __init__(self, loc: list[str], kind: str, message: str, value: Any, **ctx: Any) -> None:
        fault = {"type": kind, "loc": loc, "msg": message, "input": value} | ({"ctx": ctx} if ctx else {})
        super().__init__(422, {"detail": [fault]})


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Turns whatever a view raised into one of the three shapes; nothing leaves the API as HTML."""
    problem, request = _problem(error), context.get("request")
    path = request.path if request else ""
    if database_unavailable.is_meant(error):
        database_unavailable.note(error, path)
    elif problem.status_code >= 500 and not isinstance(error, Problem):
        logger.error("request_failed", exc_info=error, extra={"path": path})
    headers = problem.headers
    if problem.status_code == 401:
        headers = {"WWW-Authenticate": "Bearer"} | headers
    return Response(problem.body, status=problem.status_code, headers=headers)


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case exceptions.NotAuthenticated():
            return DetailError(error.status_code, "Not authenticated")
        case Http404() | exceptions.NotFound():
            return DetailError(404, "Not Found")
        case DjangoPermissionDenied():
            return DetailError(403, "Forbidden")
        case exceptions.MethodNotAllowed():
            return DetailError(405, "Method Not Allowed")
        case exceptions.Throttled():
            return too_many(getattr(error, "wait", None))
        case exceptions.UnsupportedMediaType():
            return ApiError(400, "Content-Type must be application/json", BARE)
        case DjangoValidationError() | exceptions.ValidationError():
            return _invalid(error)
        case exceptions.ParseError():
            return ApiError(400, "Invalid payload", str(error.detail))
        case exceptions.APIException():
            return DetailError(error.status_code, str(error.detail))
        case RequestDataTooBig():
            return too_large()
        case TooManyFieldsSent() | TooManyFilesSent():
            return ApiError(400, "Bad request", "The form has too many fields or files.")
        case SuspiciousOperation():
            return ApiError(400, "Bad request", "The request cannot be read.")
        case Exception() if database_unavailable.is_meant(error):
            return Problem(
                database_unavailable.STATUS,
                {"error": database_unavailable.LABEL, "message": database_unavailable.TEXT},
                database_unavailable.HEADERS,
            )
        case _:
            return _internal(error)


def too_many(wait: float | None) -> Problem:
    """429; `wait` are the seconds until the next attempt may succeed."""
    seconds = max(1, math.ceil(wait or 1))
    return DetailError(
        429, f"Too many requests. Try again in {seconds} seconds.", {"Retry-After": str(seconds)}
    )


def max_body() -> int:
    """Bytes that a request may have, files apart."""
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def too_large() -> Problem:
    return ApiError(413, "Payload too large", f"The body is larger than {max_body()} bytes.")


def _invalid(error: DjangoValidationError | exceptions.ValidationError) -> Problem:
    """400 `{"error", "message", "fields": {field: reason}}`; what concerns no field is in the message."""
    if isinstance(error, DjangoValidationError):
        reasons: Any = error.message_dict if hasattr(error, "error_dict") else error.messages
    else:
        reasons = error.detail
    if not isinstance(reasons, dict):
        return ApiError(400, "Validation failed", _text(reasons))
    fields = {name: _text(texts) for name, texts in reasons.items()}
    message = next(iter(fields.values()), "")
    return ApiError(
        400,
        "Validation failed",
        message,
        fields={name: text for name, text in fields.items() if name not in ("__all__", "non_field_errors")},
    )


def _text(reasons: Any) -> str:
    if isinstance(reasons, dict):
        reasons = list(reasons.values())
    return " ".join(map(_text, reasons)) if isinstance(reasons, list | tuple) else str(reasons)


def _internal(error: Exception) -> Problem:
    body: dict[str, Any] = {"type": "internal_error", "message": "An internal error occurred."}
    if settings.EXPOSE_ERROR_DETAILS:
        body["details"] = f"{type(error).__name__}: {error}"
    return Problem(500, {"success": False, "error": body})
