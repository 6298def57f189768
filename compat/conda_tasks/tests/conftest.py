"""A client of the old manager: JSON and a cookie, and nobody to announce runs to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from conftest import PASSWORD
from executions.ledger import launch

JSON = "application/json"


class Old:
    """Remembers the cookie, as requests.Session does; `ask` gives status and body."""

    def __init__(self) -> None:
        self.http = Client(enforce_csrf_checks=True)

    def send(self, method: str, path: str, body: Any = None, **extra: Any) -> Any:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = extra.pop("kind", JSON if body is not None else "")
        return self.http.generic(method, path, data, kind, **extra)

    def ask(self, method: str, path: str, body: Any = None, **extra: Any) -> tuple[int, Any]:
        answer = self.send(method, path, body, **extra)
        return answer.status_code, json.loads(answer.content) if answer.content else None

    def get(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def log_in(self, name: str, password: str = PASSWORD) -> Any:
        answer = self.send("POST", "/login", {"username": name, "password": password})
        assert answer.status_code == 200, answer.content
        return answer


Speak = Callable[..., Old]


@pytest.fixture
def old(db: None) -> Speak:
    """`old(user)` is logged in, `old()` is not."""

    def client(user: User | None = None) -> Old:
        client = Old()
        if user is not None:
            client.log_in(user.username)
        return client

    return client


@pytest.fixture
def coder(uma: User) -> User:
    """Uma as `/create_user` makes accounts: she may run code."""
    uma.may_run_code = True
    uma.save()
    return uma


@pytest.fixture
def cody(db: None) -> User:
    """Another one like her."""
    return User.objects.create_user("cody", None, PASSWORD, role=User.Role.USER, may_run_code=True)


@pytest.fixture(autouse=True)
def _quiet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SCHEDULER_TIMEZONE = "Asia/Taipei"
    monkeypatch.setattr(launch, "publish", lambda _runs: True)
