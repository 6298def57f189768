"""A database that does not answer is told as that: 503 in the shape of whoever asked, and no fault of ours."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from accounts.models import User
from conftest import Api
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.openapi import views
from scheduler_site.rest.database_unavailable import TEXT

# Method, path, and "bearer" or the headers.
Asked = tuple[str, str, str | dict[str, str]]
# The answers by what was asked, and the log.
Told = tuple[dict[str, dict[str, Any]], str]

SESSION = {"Cookie": "belfry_session=0123456789abcdefghijklmnopqrstuv"}
NATIVE = {"error": "Service unavailable", "message": TEXT}
API: list[Asked] = [
    ("GET", "/api/v2/jobs", "bearer"),
    ("GET", "/api/executions", "bearer"),
    ("GET", "/api/v2/jobs", SESSION),
    ("POST", "/api/v2/jobs", "bearer"),
    ("POST", "/api/auth/login", {}),
    ("GET", "/metrics", "bearer"),
]
V1: list[Asked] = [("POST", "/api/v1/auth/login", {})]
CONDA: list[Asked] = [
    *(("GET", path, {"Cookie": "session=0123"}) for path in ("/api/tasks", "/api/conda/stats")),
    ("POST", "/login", {}),
]
REGISTRY: list[Asked] = [("GET", "/themes/", SESSION)] if settings.THEMES_ENABLED else []
PAGES: list[Asked] = [
    *(("GET", path, SESSION) for path in ("/", "/jobs", "/admin/", "/nothing")),
    ("GET", "/executions", SESSION | {"HX-Request": "true"}),
]
OTHERS: list[Asked] = [
    ("GET", "/api/health", SESSION),
    ("GET", "/api/v2/health", "bearer"),
    ("GET", "/healthz", SESSION),
]
ASKED = [*API, *V1, *CONDA, *REGISTRY, *PAGES, *OTHERS]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    surroundings = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    data: Path = tmp_path_factory.mktemp("away")
    run = subprocess.run(
        [sys.executable, "-m", "scheduler_site.tests.without_database", json.dumps(ASKED)],
        cwd=settings.BASE_DIR,
        env=surroundings
        | {
            "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
            "DATA_DIR": str(data),
            "DATABASE_URL": f"postgres://belfry:canary-4711@127.0.0.1:{nobody}/belfry",
            "LOG_FORMAT": "json",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answers = json.loads(run.stdout)
    return {_key(one): answer for one, answer in zip(ASKED, answers, strict=True)}, run.stderr


def _key(asked: Asked) -> str:
    return json.dumps(asked)


@pytest.mark.parametrize("asked", API)
def test_the_api_says_it_in_its_own_shape(told: Told, asked: Asked) -> None:
    answer = told[0][_key(asked)]
    assert (answer["status"], answer["headers"]["Retry-After"]) == (503, "5")
    assert json.loads(answer["text"]) == NATIVE


@pytest.mark.parametrize("asked", V1)
def test_the_old_dialect_says_it_in_its_own(told: Told, asked: Asked) -> None:
    answer = told[0][_key(asked)]
    assert (answer["status"], answer["headers"]["Retry-After"]) == (503, "5")
    assert json.loads(answer["text"]) == {"error": {"code": 503, "message": TEXT}}


@pytest.mark.parametrize("asked", CONDA)
def test_the_task_manager_says_it_as_a_message(told: Told, asked: Asked) -> None:
    answer = told[0][_key(asked)]
    assert (answer["status"], answer["headers"]["Retry-After"]) == (503, "5")
    success = {"success": False} if asked[1].startswith("/api") else {}
    assert json.loads(answer["text"]) == success | {"message": TEXT}


@pytest.mark.parametrize("asked", REGISTRY)
def test_the_registry_says_it_in_the_guides(told: Told, asked: Asked) -> None:
    answer = told[0][_key(asked)]
    assert (answer["status"], answer["headers"]["Retry-After"]) == (503, "5")
    assert json.loads(answer["text"]) == {"detail": TEXT}


@pytest.mark.parametrize("asked", PAGES)
def test_pages_say_it_on_a_page_that_needs_no_database(told: Told, asked: Asked) -> None:
    answer = told[0][_key(asked)]
    assert (answer["status"], answer["headers"]["Retry-After"]) == (503, "5")
    assert answer["headers"]["Content-Type"].startswith("text/html")
    assert "<h1>The database does not answer</h1>" in answer["text"]


def test_health_gives_its_own_answer_whoever_asks(told: Told) -> None:
    for asked in OTHERS[:2]:
        answer = told[0][_key(asked)]
        assert (answer["status"], json.loads(answer["text"])["status"]) == (503, "degraded")
    assert told[0][_key(OTHERS[2])]["status"] == 200


def test_the_log_has_one_line_for_each_request_without_a_traceback_or_a_password(told: Told) -> None:
    lines = [json.loads(line) for line in told[1].splitlines() if line.startswith("{")]
    errors = [line for line in lines if line["event"] == "database_unavailable"]
    assert [line["path"] for line in errors] == [
        path for _method, path, _who in [*API, *V1, *CONDA, *REGISTRY, *PAGES]
    ]
    assert all(line["level"] == "ERROR" and "exception" not in line for line in errors)
    assert "Traceback" not in told[1]
    assert "canary-4711" not in told[1]


# A lock that somebody else does not let go ------------------------------------------------------------------------------


def _hold(job: Job) -> None:
    """Locks the job from a connection of its own until `connections["other"]` rolls back."""
    with connections["other"].cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN")
        table = connection.ops.quote_name(Job._meta.db_table)
        cursor.execute(f"UPDATE {table} SET name = 'held' WHERE id = %s", [job.pk])


@contextmanager
def _impatient() -> Iterator[None]:
    """Waits a moment for locks, not half a minute."""
    words = {
        "sqlite": ("PRAGMA busy_timeout = 50", "PRAGMA busy_timeout = 20000"),
        "postgresql": ("SET lock_timeout = 100", "RESET lock_timeout"),
        "mysql": ("SET innodb_lock_wait_timeout = 1", "SET innodb_lock_wait_timeout = DEFAULT"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(words[0])
        yield
        cursor.execute(words[1])


@pytest.fixture
def other_connection() -> Iterator[None]:
    other = connection.copy("other")
    connections["other"] = other
    yield
    other.close()
    del connections["other"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("other_connection")
def test_a_request_that_waits_for_a_lock_in_vain_has_changed_nothing(
    api: Api, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(ada, name="locked")
    _hold(job)
    with _impatient():
        answer = api(ada).put(f"/api/v2/jobs/{job.uid}", {"name": "changed"}, format="json")
    connections["other"].close()
    assert (answer.status_code, answer["Retry-After"], answer.json()) == (503, "5", NATIVE)
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == ["database_unavailable"]
    assert Job.objects.get(pk=job.pk).name == "locked"
    assert api(ada).put(f"/api/v2/jobs/{job.uid}", {"name": "changed"}, format="json").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("other_connection")
def test_a_page_that_waits_for_a_lock_in_vain_says_so(ada: User) -> None:
    job = make_job(ada, name="locked")
    browser = Client(raise_request_exception=False)
    browser.force_login(ada)
    _hold(job)
    with _impatient():
        answer = browser.post(f"/jobs/{job.uid}/pause")
    connections["other"].close()
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "<h1>The database does not answer</h1>" in answer.content.decode()


def test_any_other_fault_stays_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("x")

    monkeypatch.setattr(views, "render", broken)
    answer = Client(raise_request_exception=False).get("/docs")
    assert answer.status_code == 500
    assert "Retry-After" not in answer
