"""An operator behind a shared account leaves a trace; a wrong token is refused before anything happens."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Entry
from conftest import Api
from jobs.models import Job
from scheduler_site.rest.operator_tokens import expected

NOON = "2026-03-01 12:00:00+00:00"
REFUSED = {"detail": "Token 驗證失敗"}
CRON: dict[str, Any] = {
    "name": "nightly",
    "cron_expression": "0 3 * * *",
    "target_url": "https://example.com/hook",
}


@pytest.fixture(autouse=True)
def _a_day(settings: Settings) -> Any:
    settings.SCHEDULER_TIMEZONE = "Asia/Taipei"
    with time_machine.travel(NOON, tick=False):
        yield


def token_of(user_id: str, day: str = "20260301") -> str:
    return hashlib.md5(f"{user_id}nchu{day}".encode()).hexdigest()


def headers(user_id: str, token: str) -> dict[str, str]:
    return {"X-Operator-Id": user_id, "X-Operator-Token": token}


@pytest.mark.parametrize("user_id", ["user123", "王小明", "o'neill; DROP", "x" * 50])
def test_a_right_token_in_headers_is_noted_beside_the_account(api: Api, uma: User, user_id: str) -> None:
    sent = headers(user_id.encode().decode("latin-1"), token_of(user_id))
    answer = api(uma).post("/api/v2/jobs", CRON, format="json", headers=sent)
    assert answer.status_code == 201, answer.content
    entry = Entry.objects.get(event="added", object_type="job")
    assert (entry.actor, entry.operator) == (uma, user_id)


def test_a_right_token_in_the_body_is_noted_and_no_field_of_the_job(api: Api, uma: User) -> None:
    body = CRON | {"user_id": "user123", "token": token_of("user123")}
    answer = api(uma).post("/api/v2/jobs", body, format="json")
    assert answer.status_code == 201, answer.content
    assert Entry.objects.get(event="added", object_type="job").operator == "user123"


@pytest.mark.parametrize(
    "sent",
    [
        headers("user123", token_of("somebody else")),
        headers("user123", token_of("user123").upper()),
        headers("user123", token_of("user123", "20260228")),
        headers("user123", token_of("user123", "20260302")),
        headers("", token_of("")),
        headers("x" * 51, token_of("x" * 51)),
        {"X-Operator-Id": "user123"},
        {"X-Operator-Token": token_of("user123")},
        headers("\xff", token_of("\xff")),
    ],
)
def test_a_wrong_token_is_refused_and_nothing_changes(api: Api, uma: User, sent: dict[str, str]) -> None:
    entries = Entry.objects.count()
    answer = api(uma).post("/api/v2/jobs", CRON, format="json", headers=sent)
    assert (answer.status_code, answer.json()) == (401, REFUSED)
    assert not Job.objects.exists()
    assert Entry.objects.count() == entries


@pytest.mark.parametrize(
    "extra",
    [
        {"user_id": "user123", "token": "0" * 32},
        {"user_id": "user123", "token": None},
        {"user_id": 7, "token": token_of("7")},
        {"user_id": "a\x01b", "token": ["x"]},
    ],
)
def test_a_wrong_token_in_the_body_is_refused(api: Api, uma: User, extra: dict[str, Any]) -> None:
    answer = api(uma).post("/api/v2/jobs", CRON | extra, format="json")
    assert (answer.status_code, answer.json()) == (401, REFUSED)
    assert not Job.objects.exists()


def test_the_token_is_checked_before_the_fields(api: Api, uma: User) -> None:
    answer = api(uma).post("/api/v2/jobs", {}, format="json", headers=headers("user123", "0" * 32))
    assert answer.status_code == 401


def test_an_id_alone_in_the_body_names_no_operator(api: Api, uma: User) -> None:
    answer = api(uma).post("/api/v2/jobs", CRON | {"user_id": "user123"}, format="json")
    assert answer.status_code == 201
    assert Entry.objects.get(event="added", object_type="job").operator == ""


def test_reading_takes_no_notice_of_a_token(api: Api, uma: User) -> None:
    assert api(uma).get("/api/v2/jobs", headers=headers("user123", "0" * 32)).status_code == 200


def test_where_it_is_compulsory_a_write_without_a_token_is_refused(
    api: Api, uma: User, settings: Settings
) -> None:
    settings.OPERATOR_TOKEN_REQUIRED = True
    assert api(uma).post("/api/v2/jobs", CRON, format="json").json() == REFUSED
    assert (
        api(uma).post("/api/v2/jobs", CRON, format="json", headers=headers("u", token_of("u"))).status_code
        == 201
    )
    assert (
        api(uma)
        .post("/api/v2/jobs/validate-cron", {"cron_expression": "0 3 * * *"}, format="json")
        .status_code
        == 200
    )
    login = {"username": "uma", "password": "correct-horse-9"}
    assert api().post("/api/v2/auth/login", login, format="json").status_code == 200


def test_a_token_alone_is_no_account(api: Api, db: None) -> None:
    answer = api().post("/api/v2/jobs", CRON, format="json", headers=headers("user123", token_of("user123")))
    assert (answer.status_code, Job.objects.exists()) == (401, False)


def test_salt_and_algorithm_are_settings(api: Api, uma: User, settings: Settings) -> None:
    settings.OPERATOR_TOKEN_SALT, settings.OPERATOR_TOKEN_ALGORITHM = "pepper", "hmac-sha256"
    token = hmac.new(b"pepper", b"user12320260301", hashlib.sha256).hexdigest()
    answer = api(uma).post("/api/v2/jobs", CRON, format="json", headers=headers("user123", token))
    assert answer.status_code == 201
    old = headers("user123", token_of("user123"))
    assert api(uma).post("/api/v2/jobs", CRON, format="json", headers=old).status_code == 401


@pytest.mark.parametrize(
    ("now", "day"),
    [("2026-03-01 15:59:59+00:00", "20260301"), ("2026-03-01 16:00:00+00:00", "20260302")],
)
def test_the_day_is_that_of_the_scheduler(db: None, now: str, day: str) -> None:
    with time_machine.travel(now, tick=False):
        body = {"user_id": "user123", "token": token_of("user123", day)}
        answer = Client().post("/token/verify", body, content_type="application/json")
    assert answer.json() == {"result": {"valid": True}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"user_id": "user123"}',
        b'{"user_id": "user123", "token": "0"}',
        b"\xff",
        b'{"user_id": null, "token": null}',
        b'{"user_id": "%b"}' % (b"x" * 2**21),
    ],
)
def test_verifying_never_fails(db: None, body: bytes) -> None:
    answer = Client().post("/token/verify", body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {"result": {"valid": False}})


def test_verifying_is_a_post(db: None) -> None:
    answer = Client().get("/token/verify")
    assert (answer.status_code, answer.json(), answer["Allow"]) == (
        405,
        {"detail": "Method Not Allowed"},
        "POST",
    )


def test_verifying_is_open_to_pages_of_other_origins_and_with_a_slash(db: None) -> None:
    body, origin = {"user_id": "user123", "token": expected("user123")}, {"Origin": "https://page.test"}
    answer = Client().post("/token/verify/", body, content_type="application/json", headers=origin)
    assert answer.json() == {"result": {"valid": True}}
    assert answer["Access-Control-Allow-Origin"] == "*"
    asked = origin | {"Access-Control-Request-Method": "POST"}
    assert Client().options("/token/verify", headers=asked)["Access-Control-Allow-Origin"] == "*"
