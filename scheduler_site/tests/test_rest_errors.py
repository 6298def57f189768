"""The three shapes in which the API refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFilesSent,
    ValidationError,
)
from django.http import Http404
from django.test import override_settings
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from conftest import Api
from scheduler_site.rest.views import BARE, ApiError, ApiView, DetailError, SchemaError, too_many


class Failing(ApiView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    error: Exception = RuntimeError()

    def get(self, request: Request) -> Response:
        raise self.error


def answer(error: Exception) -> tuple[int, Any]:
    response = Failing.as_view(error=error)(APIRequestFactory().get("/")).render()
    assert response["Content-Type"] == "application/json"
    return response.status_code, json.loads(response.content)


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (ApiError(404, "Job not found", "Gone."), 404, {"error": "Job not found", "message": "Gone."}),
        (
            ApiError(400, "Missing", BARE, missing_fields=["a"]),
            400,
            {"error": "Missing", "missing_fields": ["a"]},
        ),
        (DetailError(409, "Taken"), 409, {"detail": "Taken"}),
        (exceptions.NotAuthenticated(), 401, {"detail": "Not authenticated"}),
        (exceptions.PermissionDenied("Admin access required"), 403, {"detail": "Admin access required"}),
        (PermissionDenied("internal"), 403, {"detail": "Forbidden"}),
        (Http404("<b>internal</b>"), 404, {"detail": "Not Found"}),
        (exceptions.NotFound(), 404, {"detail": "Not Found"}),
        (exceptions.MethodNotAllowed("GET"), 405, {"detail": "Method Not Allowed"}),
        (
            RequestDataTooBig(),
            413,
            {"error": "Payload too large", "message": "The body is larger than 1048576 bytes."},
        ),
        (
            SuspiciousOperation("internal"),
            400,
            {"error": "Bad request", "message": "The request cannot be read."},
        ),
        (
            TooManyFilesSent("internal"),
            400,
            {"error": "Bad request", "message": "The form has too many fields or files."},
        ),
        (
            ValidationError({"name": ["Too long.", "Too odd."], "kind": ["Unknown."]}),
            400,
            {
                "error": "Validation failed",
                "message": "Too long. Too odd.",
                "fields": {"name": "Too long. Too odd.", "kind": "Unknown."},
            },
        ),
        (ValidationError("Too late."), 400, {"error": "Validation failed", "message": "Too late."}),
        (
            ValidationError({"__all__": ["Too late."]}),
            400,
            {"error": "Validation failed", "message": "Too late.", "fields": {}},
        ),
        (
            serializers.ValidationError({"a": {"b": ["Wrong."]}}),
            400,
            {"error": "Validation failed", "message": "Wrong.", "fields": {"a": "Wrong."}},
        ),
    ],
)
def test_each_error_has_its_status_and_shape(error: Exception, status: int, body: Any) -> None:
    if isinstance(error, exceptions.NotAuthenticated):
        # Without an authentication class the framework itself turns 401 into 403.
        assert answer(error)[1] == body
        return
    assert answer(error) == (status, body)


def test_a_schema_error_is_a_list() -> None:
    error = SchemaError(["query", "page"], "greater_than_equal", "Too small", "0", ge=1)
    fault = {
        "type": "greater_than_equal",
        "loc": ["query", "page"],
        "msg": "Too small",
        "input": "0",
        "ctx": {"ge": 1},
    }
    assert answer(error) == (422, {"detail": [fault]})


def test_too_many_requests_say_how_long_to_wait() -> None:
    for error in (too_many(11.2), exceptions.Throttled(11.2)):
        response = Failing.as_view(error=error)(APIRequestFactory().get("/"))
        assert (response.status_code, response["Retry-After"]) == (429, "12")


def test_a_crash_is_500_in_json_and_keeps_its_details_unless_told_otherwise() -> None:
    error = RuntimeError("password=x")
    with override_settings(EXPOSE_ERROR_DETAILS=False):
        status, body = answer(error)
    assert status == 500
    assert body == {
        "success": False,
        "error": {"type": "internal_error", "message": "An internal error occurred."},
    }
    with override_settings(EXPOSE_ERROR_DETAILS=True):
        assert answer(error)[1]["error"]["details"] == "RuntimeError: password=x"


def test_a_crash_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    answer(RuntimeError("x"))
    assert [record.message for record in caplog.records] == ["request_failed"]


@pytest.mark.parametrize("prefix", ["/api/v2/", "/api/"])
@pytest.mark.parametrize(
    "path", ["nothing", "auth/nothing/", "auth", "v9/jobs/", "%00", "%ff", "a//b///", "../x"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_path_is_404_in_json(api: Api, prefix: str, path: str, method: str) -> None:
    response = getattr(api(), method)(prefix + path)
    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


def test_a_wrong_method_is_405_even_for_nobody(api: Api) -> None:
    for method, path in (
        ("get", "auth/login"),
        ("delete", "auth/me"),
        ("patch", "auth/users"),
        ("options", "auth/me"),
    ):
        response = getattr(api(), method)(f"/api/v2/{path}")
        assert (response.status_code, response.json()) == (405, {"detail": "Method Not Allowed"})
        assert response["Allow"]


def test_a_trailing_slash_is_sent_to_the_path_without_and_keeps_the_query(api: Api) -> None:
    response = api().get("/api/v2/auth/users/?page=2")
    assert (response.status_code, response["Location"]) == (307, "/api/v2/auth/users?page=2")
    response = api().get("/api/v2/auth/users/%0d%0aX-Evil:1/")
    assert (response.status_code, response["Location"]) == (307, "/api/v2/auth/users/%0D%0AX-Evil:1")
    response = api().post("/api/auth/login///")
    assert (response.status_code, response["Location"]) == (307, "/api/auth/login")


def test_401_names_the_scheme(api: Api) -> None:
    response = api().get("/api/v2/auth/me")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("query", ["?a=%00", "?%00=a", "?format=xml", "?a=%ff", "?" + "a=1&" * 2000])
def test_an_odd_query_is_no_server_error(api: Api, ada: Any, query: str) -> None:
    assert api(ada).get(f"/api/v2/auth/users{query}").status_code in (200, 400)
