"""Each route's real answer is as its type says, with nothing in it that is not described."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from django.http import HttpResponse

from compat.conda_tasks.tests import matrix as conda_matrix
from environments import available_backends
from executions.monitoring import health
from notifications.channels.service import Service
from scheduler_site.openapi import routes
from scheduler_site.tests import matrix
from scheduler_site.tests.documents import closed, operations
from scheduler_site.tests.matrix import World

DOCUMENT = closed(routes.document())
ROUTES = [(path, method) for path, method, _operation in operations(DOCUMENT)]


# What is asked for in the query, so that the request succeeds; and the body, where that of the role matrix is to be refused.
QUERIES = {("/environments/{environment_id}/packages", "DELETE"): "?packages=six"}
FOUND = {"name": "found", "prefix": "/opt/conda/envs/found", "python_version": "3.12.4"}


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(health, "report", lambda *_now: health.Health())
    monkeypatch.setattr(Service, "send", lambda *_: None)
    monkeypatch.setitem(
        matrix.BODIES,
        "POST /api/v2/environments/discovered",
        {"prefix": FOUND["prefix"], "name": "registered"},
    )
    conda_matrix.no_workers(monkeypatch)
    monkeypatch.setattr(
        available_backends, "statuses", lambda: {"external": available_backends.BackendStatus(found=[FOUND])}
    )
    return matrix.make_world()


def test_each_route_answers_as_described(world: World) -> None:
    refused, wrong = set(ROUTES), {}
    for role in ("admin", "owner"):
        client = world.client(role)
        for path, method in ROUTES:
            route = re.sub(r"{(\w+)}", r"<str:\1>", f"/api/v2{path}").replace("<str:name>", "<path:name>")
            answer = world.ask(client, method, route + QUERIES.get((path, method), ""), role)
            if fault := fault_of(answer, DOCUMENT["paths"][path][method.lower()]):
                wrong[path, method, role] = fault
            if answer.status_code < 300:
                refused.discard((path, method))
    assert (wrong, refused) == ({}, set())


def fault_of(answer: HttpResponse, operation: dict[str, Any]) -> str:
    """What in the answer is not as the document says; empty when all is."""
    described = operation["responses"].get(str(answer.status_code))
    if described is None:
        return f"{answer.status_code} is not described"
    kind = answer["Content-Type"].partition(";")[0]
    if kind not in described["content"]:
        return f"{kind} is not described"
    if kind != "application/json":
        return ""
    schema = described["content"][kind]["schema"] | {"components": DOCUMENT["components"]}
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    return "; ".join(error.message[:200] for error in validator.iter_errors(answer.json()))  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["added", "id"])
def test_an_answer_that_differs_from_its_description_is_noticed(world: World, key: str) -> None:
    answer = world.ask(world.client("owner"), "GET", "/api/v2/auth/me", "owner")
    body = answer.json()  # type: ignore[attr-defined]
    body["user"][key] = 1
    answer.json = lambda: body  # type: ignore[attr-defined]
    assert fault_of(answer, DOCUMENT["paths"]["/auth/me"]["get"])
