"""Clients of this dialect: `v1(user)` speaks with a token, `v1()` as nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from compat.ndscheduler import tokens
from compat.ndscheduler.identifiers import Numbers
from executions.ledger import launch
from jobs import verbs
from jobs.models import Job

BASE = "/api/v1"
AWESOME = "simple_scheduler.jobs.sample_job.AwesomeJob"
HEX = "0123456789abcdef0123456789abcdef"
BODY: dict[str, Any] = {
    "job_class_string": AWESOME,
    "name": "API 新增的任務",
    "pub_args": ["API參數1", "API參數2"],
    "minute": "*/5",
    "month": "*",
    "day_of_week": "*",
    "day": "*",
    "hour": "*",
}


class V1:
    """A client that knows the base path, and sends JSON without saying so, as old scripts do."""

    def __init__(self, token: str = "") -> None:
        self.http = Client()
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/octet-stream"
        headers = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.generic(method, BASE + path, data, kind, headers=headers)  # type: ignore[return-value]

    def get(self, path: str, **headers: str) -> Any:
        answer = self.ask("GET", path, **headers)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)

    def add(self, **changes: Any) -> str:
        """The id of a new job."""
        answer = self.ask("POST", "/jobs", BODY | changes)
        assert answer.status_code == 201, answer.content
        return str(json.loads(answer.content)["job_id"])


def told(answer: HttpResponse) -> tuple[int, Any]:
    """Status and error, of whichever shape."""
    return answer.status_code, json.loads(answer.content)["error"]


Speak = Callable[..., V1]


@pytest.fixture
def v1(db: None) -> Speak:
    def client(user: User | None = None) -> V1:
        return V1(tokens.issue(user, Numbers().of(user.category_id)) if user else "")

    return client


@pytest.fixture(autouse=True)
def _quiet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The zone of old installations, and nobody to announce runs to."""
    settings.SCHEDULER_TIMEZONE = "Asia/Taipei"
    monkeypatch.setattr(launch, "publish", lambda _runs: True)


@pytest.fixture
def ops(db: None) -> Category:
    return Category.objects.create(name="Ops", slug="ops")


@pytest.fixture
def olli(ops: Category) -> User:
    """Somebody of a category who may change jobs there, as clients of this dialect make them."""
    return _member("olli", ops, User.Role.USER)


@pytest.fixture
def rita(ops: Category) -> User:
    """Somebody of a category who may only look."""
    return _member("rita", ops, User.Role.VIEWER)


def _member(name: str, category: Category, role: str) -> User:
    return User.objects.create_user(
        name,
        None,
        "secret",
        role=role,
        category=category,
        edit_scope="category",
        may_run_code=role == User.Role.USER,
    )


def native_job(owner: User, **values: Any) -> Job:
    """A job as the pages make it."""
    from jobs.tests.factories import make_job

    return make_job(owner, **values)


def trail(job_id: str = "") -> list[tuple[str, str]]:
    """Events of jobs and who caused them, oldest first."""
    entries = Entry.objects.filter(object_type="job").order_by("id")
    if job_id:
        entries = entries.filter(object_id=Job.objects.get(uid=job_id).pk)
    return [(entry.event, entry.actor_name) for entry in entries]


def pause(job: Job, user: User) -> None:
    verbs.pause(job, by=Actor(user, "api"))
