"""Logging in through the API: who gets tokens, and how the others are refused."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from django.conf import settings

from accounts.models import User
from audit.models import Entry
from conftest import PASSWORD, Api

BOTH = pytest.mark.parametrize("prefix", ["/api/v2", "/api"])
WRONG = {"detail": "Invalid email/username or password"}


def login(api: Api, body: Any) -> Any:
    return api().post("/api/v2/auth/login", body, format="json")


@BOTH
def test_the_right_password_gives_a_pair_of_tokens_and_the_user(api: Api, uma: User, prefix: str) -> None:
    answer = api().post(f"{prefix}/auth/login", {"username": "uma", "password": PASSWORD}, format="json")
    body = answer.json()
    assert answer.status_code == 200
    assert {key: body[key] for key in ("success", "message", "token_type")} == {
        "success": True,
        "message": "Login successful",
        "token_type": "bearer",
    }
    assert body["user"] == {
        "id": str(uma.uid),
        "username": "uma",
        "email": "uma@example.com",
        "role": "user",
        "is_active": True,
        "created_at": f"{uma.created_at:%Y-%m-%dT%H:%M:%S.%f}",
        "updated_at": f"{uma.updated_at:%Y-%m-%dT%H:%M:%S.%f}",
    }


def test_the_claims_are_those_of_the_wire_facts(api: Api, uma: User) -> None:
    body = login(api, {"username": "uma", "password": PASSWORD}).json()
    key = settings.JWT_SECRET_KEY
    access = jwt.decode(body["access_token"], key, algorithms=["HS256"])
    refresh = jwt.decode(body["refresh_token"], key, algorithms=["HS256"])
    assert access["sub"] == str(uma.uid)
    assert (access["role"], access["email"], access["type"], access["fresh"]) == (
        "user",
        "uma@example.com",
        "access",
        True,
    )
    assert access["exp"] - access["iat"] == 3600
    assert refresh["type"] == "refresh"
    assert "fresh" not in refresh
    assert refresh["exp"] - refresh["iat"] == 2592000


@pytest.mark.parametrize(
    "body",
    [
        {"username": "uma@example.com", "password": PASSWORD},
        {"email": "uma@example.com", "password": PASSWORD},
        {"email": "uma", "password": PASSWORD},
    ],
)
def test_either_field_may_carry_the_name_or_the_address(api: Api, uma: User, body: dict[str, str]) -> None:
    assert login(api, body).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"username": "uma", "password": "wrong-horse"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "UMA", "password": PASSWORD},
        {"username": "uma' OR 1=1 --", "password": PASSWORD},
    ],
)
def test_a_wrong_pair_is_401_with_one_text_for_all(api: Api, uma: User, body: dict[str, str]) -> None:
    answer = login(api, body)
    assert answer.status_code == 401
    assert answer.json() == WRONG
    assert answer["WWW-Authenticate"] == "Bearer"


def test_an_inactive_account_is_told_so_before_the_password_is_looked_at(api: Api, uma: User) -> None:
    User.objects.update(is_active=False)
    answer = login(api, {"username": "uma", "password": "wrong-horse"})
    assert answer.status_code == 401
    assert "inactive" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "uma"},
        {"password": PASSWORD},
        {"username": "", "password": PASSWORD},
        {"username": "   ", "password": PASSWORD},
        {"username": "uma", "password": ""},
        {"username": ["uma"], "password": PASSWORD},
        {"username": "uma", "password": 123456},
        {"username": {"a": 1}, "password": None},
        {"username": "um\x00a", "password": PASSWORD},
    ],
)
def test_what_is_no_pair_of_texts_is_400(api: Api, uma: User, body: dict[str, Any]) -> None:
    answer = login(api, body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_stale_token_in_the_header_does_not_keep_anybody_from_logging_in(api: Api, uma: User) -> None:
    client = api()
    client.credentials(HTTP_AUTHORIZATION="Bearer rubbish")
    body = {"username": "uma", "password": PASSWORD}
    assert client.post("/api/v2/auth/login", body, format="json").status_code == 200


def test_the_form_of_oauth2_logs_in_too(api: Api, uma: User) -> None:
    body = f"grant_type=password&username=uma%40example.com&password={PASSWORD}"
    answer = api().post("/api/v2/auth/login/form", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert answer.json()["user"]["username"] == "uma"


@pytest.mark.parametrize("field", ["username", "password"])
def test_a_form_without_a_field_is_422_and_names_it(api: Api, uma: User, field: str) -> None:
    other = {"username": "password=x", "password": "username=x"}[field]
    answer = api().post("/api/v2/auth/login/form", other, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


@pytest.mark.parametrize(
    "body", ["username=%00&password=x", "=&=&=", "%ff=%ff&username=a&password=b", "x" * 2**21]
)
def test_an_odd_form_is_refused_without_a_server_error(api: Api, uma: User, body: str) -> None:
    answer = api().post("/api/v2/auth/login/form", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (400, 401, 413, 422)


def test_login_and_its_failure_are_recorded_without_the_password(api: Api, uma: User) -> None:
    login(api, {"username": "uma", "password": PASSWORD})
    login(api, {"username": "uma", "password": "wrong-horse"})
    login(api, {"username": "my-secret-in-the-wrong-field", "password": "x"})
    entries = list(Entry.objects.order_by("id"))
    assert [entry.event for entry in entries] == ["login", "login_failed", "login_failed"]
    assert [entry.object_name for entry in entries] == ["uma", "uma", ""]
    assert [entry.actor_id for entry in entries] == [uma.pk, None, None]
    assert {entry.address for entry in entries} == {"127.0.0.1"}
    everything = str([vars(entry) for entry in entries])
    assert not any(secret in everything for secret in (PASSWORD, "wrong-horse", "my-secret"))


def test_logging_in_is_remembered_as_the_last_login(api: Api, uma: User) -> None:
    login(api, {"username": "uma", "password": PASSWORD})
    uma.refresh_from_db()
    assert uma.last_login is not None
