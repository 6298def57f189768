"""Whatever is sent: an answer below 500 in one of the two shapes, nothing changed, no entry in the trail."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from accounts.models import Category, User
from audit.models import Entry
from executions.models import Execution
from jobs.models import Job
from scheduler_site.tests.rounds import rounds

from .conftest import BODY, HEX, Speak

DEEP = b"[" * 5000 + b"]" * 5000
JUNK: list[Any] = [
    b"",
    b"\x00",
    b"\xff\xfe\x00",
    b"{",
    DEEP,
    b'{"name": ' + DEEP + b"}",
    b'{"name": 1e999}',
    b'{"name": "\\ud800"}',
    b'{"a": ' + b"9" * 5000 + b"}",
    [],
    {},
    5,
    None,
    "text",
    {"": ""},
    {"name": {"$ne": None}},
]
VALUES: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    " ",
    "x" * 100_000,
    "' OR 1=1 --",
    "\u202e名\U0001f4a3",
    "*/" + "9" * 4000,
    "١",
    [],
    ["a"],
    {},
    {"a": 1},
]
PLACES = [
    ("POST", "/jobs"),
    ("PUT", "/jobs/{job}"),
    ("POST", "/categories"),
    ("PUT", "/categories/{category}"),
    ("POST", "/users"),
    ("PUT", "/users/{user}"),
    ("POST", "/auth/login"),
]
GOOD: dict[str, dict[str, Any]] = {
    "jobs": BODY,
    "categories": {"name": "new", "description": "d"},
    "users": {"username": "new", "password": "p", "category_id": 0, "is_admin": False, "is_permission": True},
    "auth": {"username": "ada", "password": "wrong"},
}


@pytest.fixture
def place(ada: User, uma: User, ops: Category, v1: Speak) -> dict[str, Any]:
    return {"job": v1(ada).add(), "category": ops.pk, "user": uma.pk}


def state() -> list[Any]:
    models = (Job, User, Category, Execution)
    found = [list(model._default_manager.order_by("pk").values()) for model in models]
    return [found, Entry.objects.exclude(event="login_failed").count()]


def settled(answer: Any) -> bool:
    """Refused in a proper shape."""
    error = json.loads(answer.content)["error"]
    if isinstance(error, dict):
        assert set(error) == {"code", "message"}
        assert error["code"] == answer.status_code
    else:
        assert isinstance(error, str)
    return bool(400 <= answer.status_code < 500)


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_junk_is_refused(ada: User, v1: Speak, place: dict[str, Any], method: str, path: str) -> None:
    client, before = v1(ada), state()
    for body in JUNK:
        answer = client.ask(method, path.format(**place), body if body is not None else b"null")
        assert settled(answer), repr(body)[:30]
        assert state() == before, repr(body)[:30]


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_odd_values_are_refused_or_harmless(
    ada: User, v1: Speak, place: dict[str, Any], method: str, path: str
) -> None:
    client, rng = v1(ada), random.Random(path)
    good = GOOD[path.split("/")[1]]
    for _ in rounds(40):
        changed = {name: rng.choice(VALUES) for name in rng.sample(sorted(good), rng.randint(1, 2))}
        before = state()
        answer = client.ask(method, path.format(**place), good | {"name": "n"} | changed)
        assert answer.status_code < 500, changed
        if answer.status_code >= 400:
            assert settled(answer), changed
            assert state() == before, changed


@pytest.mark.parametrize("path", ["/jobs/{}", "/executions/{}", "/categories/{}", "/users/{}", "/{}"])
def test_odd_paths_are_refused(ada: User, v1: Speak, path: str) -> None:
    client, before = v1(ada), state()
    odd = [
        "%00",
        "..%2f..",
        "%ff",
        "%F0%9F%92%A3",
        "'",
        "9" * 400,
        "-1",
        "1e5",
        HEX.upper(),
        "a" * 3000,
        "%0a",
    ]
    for text in odd:
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"):
            answer = client.ask(method, path.format(text), {"name": "n", "username": "u"})
            assert answer.status_code < 500 or answer.status_code == 501, (method, text)
    assert state() == before
