"""What clients of this dialect send by mistake, or a page of another site on purpose, changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from conftest import PASSWORD
from jobs.models import Job

from .conftest import BASE, BODY, Speak, told


@pytest.mark.parametrize("week", ["60", "0", "53", 7, "*/2", "1-3", True])
def test_a_week_cannot_be_set(v1: Speak, ada: User, week: Any) -> None:
    answer = v1(ada).ask("POST", "/jobs", BODY | {"week": week})
    status, body = told(answer)
    assert (status, "week" in str(body)) == (400, True)
    assert not Job.objects.exists()


@pytest.mark.parametrize("week", ["*", "", None])
def test_the_week_that_every_answer_has_may_be_sent_back(v1: Speak, ada: User, week: Any) -> None:
    assert v1(ada).ask("POST", "/jobs", BODY | {"week": week}).status_code == 201


@pytest.mark.parametrize(
    ("field", "text"),
    [("minute", "٣"), ("minute", "*/٥"), ("hour", "1-３"), ("day", "१"), ("month", "1/２"), ("month", "ſep")],
)
def test_digits_and_letters_of_other_alphabets_are_no_schedule(
    v1: Speak, ada: User, field: str, text: str
) -> None:
    answer = v1(ada).ask("POST", "/jobs", BODY | {field: text})
    status, body = told(answer)
    assert (status, field in str(body)) == (400, True)
    assert not Job.objects.exists()


def sign_in(kind: str, **headers: str) -> Any:
    body = json.dumps({"username": "ada", "password": PASSWORD})
    return Client().post(f"{BASE}/auth/login", body, content_type=kind, headers=headers)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "text/plain; charset=utf-8"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"referer": "http://["},
        {"referer": "https://evil.example/page"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_a_page_of_another_site_signs_nobody_in(ada: User, kind: str, headers: dict[str, str]) -> None:
    answer = sign_in(kind, **headers)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)
    assert not answer.cookies


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://testserver"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}],
)
def test_old_clients_and_our_own_page_sign_in_as_before(ada: User, headers: dict[str, str]) -> None:
    answer = sign_in("text/plain", **headers)
    assert (answer.status_code, "token" in answer.cookies) == (200, True)


def test_a_page_of_another_site_that_asked_beforehand_may_send_json(ada: User) -> None:
    assert sign_in("application/json", origin="https://friend.example").status_code == 200


def test_a_page_that_may_call_this_one_signs_in_as_before(ada: User, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://friend.example"]
    answer = sign_in("text/plain", origin="https://friend.example")
    assert (answer.status_code, "token" in answer.cookies) == (200, True)
