"""The API's document describes each route as it is: a route, a field or a status that it does not know fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema
from rest_framework.response import Response

from accounts.models import User
from conftest import PASSWORD, Api
from executions.models import Execution
from scheduler_site.openapi import routes
from scheduler_site.tests.documents import METHODS, closed, operations

URL = "/api/v2/openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return routes.document()


def served() -> Iterator[tuple[str, str]]:
    """Path and method of every route below /api/v2/, straight out of the URL list."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if not isinstance(pattern, URLPattern):
                yield from walk(pattern.url_patterns, path)
            elif view := getattr(pattern.callback, "view_class", None):
                for method in METHODS:
                    if hasattr(view, method):
                        yield re.sub(r"<\w+:(\w+)>", r"{\1}", path), method.upper()

    for one in get_resolver().url_patterns:
        if str(one.pattern) == "api/v2/" and isinstance(one, URLResolver):
            yield from walk(one.url_patterns, "/")


def test_each_route_and_method_is_described_and_nothing_else(document: dict[str, Any]) -> None:
    assert {(path, method) for path, method, _ in operations(document)} == set(served())


def test_it_is_a_document_of_openapi(document: dict[str, Any]) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert document["openapi"].startswith("3.1.")
    names = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(names) == len(set(names))


def test_each_operation_says_what_it_does_and_how_it_refuses(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert all(operation[key] for key in ("summary", "tags", "security")), (path, method)
        statuses = set(operation["responses"])
        assert any(status.startswith("2") for status in statuses), (path, method)
        assert ("401" in statuses) == ({} not in operation["security"] or path.startswith("/auth/login"))
        assert all(answer["description"] for answer in operation["responses"].values()), (path, method)


def test_each_parameter_and_property_is_described(document: dict[str, Any]) -> None:
    bare = []

    def look(part: Any, way: str) -> None:
        if isinstance(part, list):
            for item in part:
                look(item, way)
            return
        if not isinstance(part, dict):
            return
        properties = part.get("properties")
        for name, value in properties.items() if isinstance(properties, dict) else ():
            if not (value.get("description") or "$ref" in value):
                bare.append(f"{way}.{name}")
        if "in" in part and "name" in part and not part.get("description"):
            bare.append(f"{way} {part['name']}")
        for key, value in part.items():
            look(value, f"{way}/{key}")

    look(document["paths"], "")
    look(document["components"]["schemas"], "")
    assert bare == []


def test_anybody_may_read_it_and_it_tells_no_secret(client: Client) -> None:
    for url in (URL, "/api/openapi.json"):
        answer = client.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        assert settings.SECRET_KEY not in answer.content.decode()
        assert str(settings.BASE_DIR) not in answer.content.decode()


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_its_pages_come_from_here_alone(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert URL in answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in re.sub(r"https?://(www\.w3\.org)", "", answer.content.decode())


def test_real_answers_are_as_described(api: Api, ada: User, uma: User, document: dict[str, Any]) -> None:
    check = Checker(document)
    admin, user, nobody = api(ada), api(uma), api()
    body = {
        "name": "Backup",
        "cron_expression": "0 2 * * *",
        "target_url": "https://example.com/backup",
        "metadata": {"a": [1, None]},
        "secrets": {"KEY": "1"},
    }
    job = check(user.post("/api/v2/jobs", body, format="json"), "/jobs", 201)["job"]
    one = f"/api/v2/jobs/{job['id']}"
    follower = body | {"name": "After", "depends_on": [{"job": job["id"]}], "schedule": {"every": 5}}
    follower.pop("cron_expression")
    check(user.post("/api/v2/jobs", follower, format="json"), "/jobs", 201)
    check(user.post("/api/v2/jobs", body, format="json"), "/jobs", 400)
    check(user.post("/api/v2/jobs", {}, format="json"), "/jobs", 400)
    check(nobody.get("/api/v2/jobs"), "/jobs", 401)
    check(user.put(one, {"cron_expression": "30 3 * * *"}, format="json"), "/jobs/{job_id}", 200)
    check(user.post(f"{one}/pause", {"reason": "x"}, format="json"), "/jobs/{job_id}/pause", 200)
    run = check(user.post(f"{one}/execute", {"wait": 0}, format="json"), "/jobs/{job_id}/execute", 200)[
        "execution"
    ]
    check(user.get(f"{one}/executions"), "/jobs/{job_id}/executions", 200)
    check(user.get(f"{one}/executions/stats"), "/jobs/{job_id}/executions/stats", 200)
    check(user.get("/api/v2/executions"), "/executions", 200)
    check(user.get("/api/v2/executions?cursor="), "/executions", 200)
    check(user.get("/api/v2/executions?limit=0"), "/executions", 422)
    check(user.get("/api/v2/executions/statistics?from=2026-01-01"), "/executions/statistics", 200)
    check(user.get(f"/api/v2/executions/{run['id']}"), "/executions/{execution_id}", 200)
    check(user.post(f"/api/v2/executions/{run['id']}/stop"), "/executions/{execution_id}/stop", 200)
    the_run = f"/api/v2/executions/{run['id']}"
    row = Execution.objects.get(uid=run["id"])
    row.artifacts.create(attempt=1, name="gone.txt", size=1)
    row.measurements.create(attempt=1, points=[[0.0, 1, 0.0]])
    check(user.get(f"{the_run}/artifacts"), "/executions/{execution_id}/artifacts", 200)
    check(user.get(f"{the_run}/artifacts/gone.txt"), "/executions/{execution_id}/artifacts/{name}", 404)
    check(user.get(f"{the_run}/measurements"), "/executions/{execution_id}/measurements", 200)
    check(user.post(f"{the_run}/suspend"), "/executions/{execution_id}/suspend", 409)
    row.kind, row.state, row.attempt, row.stop_requested_at = "script", "running", 1, None
    row.save()
    check(user.post(f"{the_run}/suspend"), "/executions/{execution_id}/suspend", 200)
    check(user.post(f"{the_run}/resume"), "/executions/{execution_id}/resume", 200)
    check(user.get(one), "/jobs/{job_id}", 200)
    check(user.get("/api/v2/jobs"), "/jobs", 200)
    check(user.get("/api/v2/notifications?from=2026-01-01"), "/notifications", 200)
    check(admin.get("/api/v2/health"), "/health", 503)
    check(admin.get("/api/v2/settings/slack"), "/settings/slack", 200)
    check(admin.get("/api/v2/audit?from=2026-01-01"), "/audit", 200)
    check(admin.get("/api/v2/audit?cursor=x"), "/audit", 400)
    check(admin.get("/api/v2/audit?limit=0"), "/audit", 422)
    check(user.get("/api/v2/audit"), "/audit", 403)
    check(user.get(f"{one}/history"), "/jobs/{job_id}/history", 200)
    check(admin.get("/api/v2/auth/users"), "/auth/users", 200)
    check(user.get("/api/v2/auth/users"), "/auth/users", 403)
    check(user.get("/api/v2/auth/users/x"), "/auth/users/{user_id}", 403)
    check(admin.get("/api/v2/job-categories"), "/job-categories", 200)
    check(user.get(f"/api/v2/auth/users/{uma.uid}/preferences"), "/auth/users/{user_id}/preferences", 200)
    credentials = {"username": "uma", "password": PASSWORD}
    check(nobody.post("/api/v2/auth/login", credentials, format="json"), "/auth/login", 200)
    check(
        nobody.post("/api/v2/auth/login", credentials | {"password": "wrong"}, format="json"),
        "/auth/login",
        401,
    )
    check(
        user.post(
            "/api/v2/jobs/cron-preview",
            {"expression": "30 2 * * *", "timezone": "Europe/Berlin"},
            format="json",
        ),
        "/jobs/cron-preview",
        200,
    )
    check(user.delete(one), "/jobs/{job_id}", 200)


class Checker:
    """`check(answer, path, status)`: the answer has this status, and a body that the document describes for it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = closed(document)
        self.validator = jsonschema.Draft202012Validator(
            {"components": self.document["components"]},
            format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
        )

    def __call__(self, answer: Response, path: str, status: int) -> Any:
        assert answer.status_code == status, answer.content
        method = answer.wsgi_request.method.lower()  # type: ignore[attr-defined]
        described = self.document["paths"][path][method]["responses"][str(status)]
        schema = described["content"][answer["Content-Type"]]["schema"]
        body = answer.json()  # type: ignore[attr-defined]
        self.validator.evolve(schema=schema | {"components": self.document["components"]}).validate(body)
        return body
