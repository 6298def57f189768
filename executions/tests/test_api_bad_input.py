"""Odd requests to every native route of jobs and runs: 4xx with a reason, never 500, and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import Entry
from conftest import Api
from executions.models import Execution, State
from executions.tests.test_api_executions import run
from jobs.models import Job, Pause
from jobs.tests.factories import make_job

# Method, path, and what a body is allowed to lack: routes whose body is optional accept an empty one.
ROUTES = [
    ("GET", "jobs"),
    ("POST", "jobs"),
    ("POST", "jobs/validate-cron"),
    ("POST", "jobs/cron-preview"),
    ("GET", "jobs/{job}"),
    ("PUT", "jobs/{job}"),
    ("DELETE", "jobs/{job}"),
    ("POST", "jobs/{job}/pause"),
    ("POST", "jobs/{job}/resume"),
    ("POST", "jobs/{job}/execute"),
    ("GET", "jobs/{job}/executions"),
    ("GET", "jobs/{job}/executions/stats"),
    ("GET", "jobs/{job}/executions/{run}"),
    ("GET", "executions"),
    ("GET", "executions/statistics"),
    ("GET", "executions/{run}"),
    ("POST", "executions/{run}/stop"),
    ("GET", "executions/{run}/log"),
]
READS = [path for method, path in ROUTES if method == "GET"]
WITH_BODY = [(method, path) for method, path in ROUTES if method in ("POST", "PUT")]
# For everybody with an account; the others need a writer.
OPEN = ("jobs/validate-cron", "jobs/cron-preview")
DEEP = '{"a":' * 200 + "1" + "}" * 200
BODIES = [
    ("not json", "{", "Invalid JSON"),
    ("not UTF-8", b'{"name": "\xff"}', "Invalid JSON"),
    ("NaN", '{"metadata": {"a": NaN}}', "Invalid JSON"),
    ("a list", "[]", "Invalid payload"),
    ("a text", '"x"', "Invalid payload"),
    ("null", "null", "Invalid payload"),
    ("NUL", '{"name": "a\\u0000b"}', "Invalid payload"),
    ("half a pair", '{"metadata": {"a": "\\ud800"}}', "Invalid payload"),
    ("deep", DEEP, "Invalid payload"),
    ("deeper", "[" * 100_000, ""),
    ("a huge number", '{"count": ' + "9" * 5000 + "}", "Invalid payload"),
    ("an infinite number", '{"count": 1e999}', "Invalid payload"),
]


@pytest.fixture
def paths(uma: User) -> dict[str, str]:
    job = make_job(uma)
    return {"job": str(job.uid), "run": str(run(job, "2026-03-01 10:00", State.RUNNING).uid)}


def everything() -> list[Any]:
    """What must be the same after a refusal. Read as the database has it: compared hundreds of times, never looked into."""
    with connection.cursor() as cursor:
        return [_rows(cursor, model._meta.db_table) for model in (Job, Pause, Execution, Entry)]


def _rows(cursor: CursorWrapper, table: str) -> list[Any]:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY id")
    return list(cursor.fetchall())


def send(client: APIClient, method: str, path: str, body: Any = b"", kind: str = "application/json") -> Any:
    return client.generic(method, f"/api/v2/{path}", body, content_type=kind)


@pytest.mark.parametrize(("name", "body", "label"), BODIES, ids=[name for name, _, _ in BODIES])
def test_an_unreadable_body_is_refused_everywhere(
    api: Api, uma: User, paths: dict[str, str], name: str, body: Any, label: str
) -> None:
    client = api(uma)
    before = everything()
    for method, path in WITH_BODY:
        answer = send(client, method, path.format(**paths), body)
        assert answer.status_code == 400, (method, path)
        assert answer.json()["error"] == label or not label, (method, path)
    assert everything() == before


def test_another_content_type_is_refused_everywhere(api: Api, uma: User, paths: dict[str, str]) -> None:
    client = api(uma)
    before = everything()
    for method, path in WITH_BODY:
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "nonsense",
        ):
            answer = send(client, method, path.format(**paths), "{}", kind)
            assert (answer.status_code, answer.json()) == (
                400,
                {"error": "Content-Type must be application/json"},
            ), (method, path)
    assert everything() == before


def test_a_body_that_is_too_large_is_refused_everywhere(api: Api, uma: User, paths: dict[str, str]) -> None:
    client = api(uma)
    before = everything()
    body = json.dumps({"metadata": {"a": "x" * 1_100_000}})
    for method, path in WITH_BODY:
        assert send(client, method, path.format(**paths), body).status_code == 413, (method, path)
    assert everything() == before


ODD_VALUES: list[Any] = [
    True,
    -1,
    0,
    1.5,
    10**38,
    "",
    " ",
    "x" * 100_000,
    [],
    [[]],
    {},
    {"a": {}},
    "\u202e\U0001f600",
    "%00",
]
FIELDS = [
    "name", "cron_expression", "target_url", "github_owner", "github_repo", "github_workflow_name", "metadata",
    "category", "end_date", "pic_team", "enable_email_notifications", "notification_emails", "notify_on_success",
    "is_active", "kind", "options", "schedule", "schedule_kind", "timezone", "day_rule", "every", "period", "at",
    "catch_up", "start_deadline", "overlap", "timeout", "stop_grace", "max_attempts", "retry_delay", "retry_cap",
    "rerun_lost", "secrets", "id", "pause", "broken",
]  # fmt: skip
IN_OPTIONS = ["target_url", "method", "headers", "body", "connect_timeout", "success_codes"]
IN_SCHEDULE = ["kind", "expression", "timezone", "day_rule", "every", "period", "at", "in_words"]


def harmless(client: APIClient, method: str, path: str, bodies: Iterable[dict[str, Any]]) -> None:
    """Each is accepted, or refused with a label and without a trace."""
    before = everything()
    for body in bodies:
        answer = send(client, method, path, json.dumps(body))
        assert answer.status_code in (200, 201, 400), (body, answer.content[:500])
        after = everything()
        if answer.status_code == 400:
            assert answer.json()["error"]
            assert after == before, body
        before = after


@pytest.mark.parametrize("field", FIELDS)
def test_no_value_of_a_field_of_a_job_breaks_anything(
    api: Api, uma: User, paths: dict[str, str], field: str
) -> None:
    client = api(uma)
    good = {"cron_expression": "0 * * * *", "target_url": "https://1.1.1.1/"}
    named = [good | {"name": f"job {number}", field: value} for number, value in enumerate(ODD_VALUES)]
    harmless(client, "POST", "jobs", named)
    harmless(client, "PUT", f"jobs/{paths['job']}", [{field: value} for value in ODD_VALUES])
    assert send(client, "GET", "jobs").status_code == 200


@pytest.mark.parametrize(
    ("outer", "inner"),
    [("options", name) for name in IN_OPTIONS] + [("schedule", name) for name in IN_SCHEDULE],
)
def test_no_value_inside_options_or_schedule_breaks_anything(
    api: Api, uma: User, paths: dict[str, str], outer: str, inner: str
) -> None:
    client = api(uma)
    base = {"target_url": "https://1.1.1.1/"} if outer == "options" else {}
    bodies = [{outer: base | {inner: value}} for value in ODD_VALUES]
    harmless(client, "PUT", f"jobs/{paths['job']}", bodies)
    assert send(client, "GET", "jobs").status_code == 200


@pytest.mark.parametrize(
    "field", ["metadata", "target_url", "wait", "dispatch_url", "github_repo", "github_token"]
)
def test_no_override_of_a_run_breaks_anything(api: Api, uma: User, paths: dict[str, str], field: str) -> None:
    client = api(uma)
    for value in ODD_VALUES:
        answer = send(
            client, "POST", f"jobs/{paths['job']}/execute", json.dumps({"wait": 0} | {field: value})
        )
        # 409: the value was accepted, but a run goes on.
        assert answer.status_code in (400, 409), (field, value, answer.content)


@pytest.mark.parametrize("path", READS)
def test_no_parameter_of_a_read_breaks_anything(
    api: Api, uma: User, paths: dict[str, str], path: str
) -> None:
    client = api(uma)
    names = (
        "page",
        "limit",
        "cursor",
        "status",
        "state",
        "trigger_type",
        "execution_type",
        "job_id",
        "from",
        "to",
    )
    values = (
        "",
        "%00",
        "%ff",
        "-1",
        "9" * 400,
        "1e9",
        "x" * 2000,
        "%F0%9F%98%80",
        "2026-13-45",
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
        "None",
        "[]",
        "MA==",
        "===",
    )
    for value in values:
        # Where all at once are accepted there is nothing that one of them could hide from another.
        together = "&".join(f"{name}={value}" for name in names)
        for query in (together, *(f"{name}={value}" for name in names)):
            answer = client.get(f"/api/v2/{path.format(**paths)}?{query}")
            assert answer.status_code in (200, 400, 422), query
            if query is together and answer.status_code == 200:
                break


def test_every_route_needs_an_account(api: Api, paths: dict[str, str]) -> None:
    client = api()
    for method, path in ROUTES:
        answer = send(client, method, path.format(**paths), "{}")
        assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"}), (method, path)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_viewer_reads_and_changes_nothing(api: Api, vic: User, paths: dict[str, str]) -> None:
    client = api(vic)
    before = everything()
    for method, path in ROUTES:
        answer = send(client, method, path.format(**paths), "{}" if method != "GET" else b"")
        if method == "GET":
            assert answer.status_code == 200, path
        elif path not in OPEN:
            assert (answer.status_code, answer.json()) == (
                403,
                {"detail": "User or admin access required"},
            ), path
    assert everything() == before


def test_other_methods_are_refused_by_every_route(api: Api, uma: User, paths: dict[str, str]) -> None:
    client = api(uma)
    known = {path: {method for method, other in ROUTES if other == path} for _, path in ROUTES}
    before = everything()
    for path, methods in known.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
            answer = send(client, method, path.format(**paths), "{}")
            assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"}), (
                method,
                path,
            )
    assert everything() == before


def test_a_slash_at_the_end_leads_to_the_route_without(api: Api, uma: User, paths: dict[str, str]) -> None:
    client = api(uma)
    for method, path in ROUTES:
        answer = send(client, method, path.format(**paths) + "/", "{}")
        assert answer.status_code == 307, (method, path)
        assert answer.headers["Location"] == f"/api/v2/{path.format(**paths)}"
