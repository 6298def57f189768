"""Which tokens are accepted, and what ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import verbs
from accounts.models import User
from accounts.signin import json_web_tokens
from audit.record import Actor
from conftest import Api

ME = "/api/v2/auth/me"
REFRESH = "/api/v2/auth/refresh"


def with_token(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def signed(user: User, key: str | None = None, algorithm: str = "HS256", **claims: Any) -> str:
    payload = json_web_tokens.claims(json_web_tokens.issue(user)[0], "access") | claims
    return jwt.encode(payload, settings.JWT_SECRET_KEY if key is None else key, algorithm=algorithm)


def refused(answer: Any, text: str) -> None:
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert text in answer.json()["detail"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dW1hOng=", "Token abc", "\xff"])
def test_no_bearer_token_is_not_authenticated(api: Api, header: str | None) -> None:
    client = api()
    if header is not None:
        client.credentials(HTTP_AUTHORIZATION=header)
    refused(client.get(ME), "Not authenticated")


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é.é.é", "a b", "{}", "9" * 5000, "\x00"])
def test_rubbish_is_an_invalid_token(db: None, token: str) -> None:
    refused(with_token(token).get(ME), "Invalid token")


def test_the_scheme_may_be_written_in_any_case(uma: User) -> None:
    answer = APIClient().get(ME, HTTP_AUTHORIZATION=f"bearer {json_web_tokens.issue(uma)[0]}")
    assert answer.status_code == 200


def test_an_unsigned_token_is_refused(uma: User) -> None:
    refused(with_token(signed(uma, key="", algorithm="none")).get(ME), "Invalid token")


def test_a_token_signed_with_another_key_or_algorithm_is_refused(uma: User) -> None:
    refused(with_token(signed(uma, key="x" * 64)).get(ME), "Invalid token")
    refused(with_token(signed(uma, algorithm="HS512")).get(ME), "Invalid token")


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": "soon"}, "Invalid token"),
        ({"exp": 10**30}, "Invalid token"),
        ({"sub": 7}, "Invalid token"),
        ({"sub": "1"}, "User not found"),
        ({"sub": "00000000-0000-0000-0000-000000000000"}, "User not found"),
        ({"type": "refresh"}, "Invalid token type"),
        ({"type": None}, "Invalid token type"),
        ({"rev": None}, "revoked"),
    ],
)
def test_odd_claims_are_refused_even_when_well_signed(uma: User, claims: dict[str, Any], text: str) -> None:
    refused(with_token(signed(uma, **claims)).get(ME), text)


def test_a_token_lives_for_an_hour(uma: User) -> None:
    token = json_web_tokens.issue(uma)[0]
    with time_machine.travel(timezone.now() + timedelta(seconds=3590), tick=False):
        assert with_token(token).get(ME).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=3610), tick=False):
        refused(with_token(token).get(ME), "expired")


def test_a_refresh_token_opens_no_other_route_and_an_access_token_does_not_refresh(uma: User) -> None:
    access, refresh = json_web_tokens.issue(uma)
    refused(with_token(refresh).get(ME), "Invalid token type")
    refused(with_token(access).post(REFRESH), "Invalid token type")


def test_refresh_gives_a_new_access_token_only(uma: User) -> None:
    _, refresh = json_web_tokens.issue(uma)
    answer = with_token(refresh).post(REFRESH)
    body = answer.json()
    assert answer.status_code == 200
    assert {**body, "access_token": ""} == {
        "access_token": "",
        "refresh_token": None,
        "token_type": "bearer",
        "expires_in": 3600,
    }
    assert with_token(body["access_token"]).get(ME).json()["user"]["username"] == "uma"


def test_refresh_without_a_token_is_401(api: Api) -> None:
    refused(api().post(REFRESH), "Not authenticated")


def test_the_role_is_read_from_the_database_and_not_from_the_token(ada: User, uma: User, api: Api) -> None:
    forged = with_token(signed(uma, role="admin"))
    assert forged.get("/api/v2/auth/users").status_code == 403
    client = api(ada)
    User.objects.filter(pk=ada.pk).update(role="viewer")
    assert client.get("/api/v2/auth/users").status_code == 403


def test_a_new_password_ends_the_access_and_the_refresh_token(uma: User) -> None:
    access, refresh = json_web_tokens.issue(uma)
    verbs.update(uma, {"password": "another-horse"}, by=Actor.system())
    refused(with_token(access).get(ME), "revoked")
    refused(with_token(refresh).post(REFRESH), "revoked")


@pytest.mark.parametrize(("index", "method", "path"), [(0, "get", ME), (1, "post", REFRESH)])
def test_a_deleted_account_is_401(uma: User, index: int, method: str, path: str) -> None:
    token = json_web_tokens.issue(uma)[index]
    uma.delete()
    refused(getattr(with_token(token), method)(path), "User not found")


@pytest.mark.parametrize(("index", "method", "path"), [(0, "get", ME), (1, "post", REFRESH)])
def test_a_deactivated_account_is_401(uma: User, index: int, method: str, path: str) -> None:
    token = json_web_tokens.issue(uma)[index]
    User.objects.update(is_active=False)
    refused(getattr(with_token(token), method)(path), "deactivated")


def test_logout_ends_the_refresh_token_of_this_login_and_of_no_other(uma: User) -> None:
    access, refresh = json_web_tokens.issue(uma)
    _, elsewhere = json_web_tokens.issue(uma)
    answer = with_token(access).post("/api/v2/auth/logout", {"ignored": True}, format="json")
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert answer.json()["message"] == "Logout successful"
    refused(with_token(refresh).post(REFRESH), "revoked")
    assert with_token(elsewhere).post(REFRESH).status_code == 200


def test_a_token_that_was_renewed_ends_the_same_login(uma: User) -> None:
    _, refresh = json_web_tokens.issue(uma)
    renewed = with_token(refresh).post(REFRESH).json()["access_token"]
    with_token(renewed).post("/api/v2/auth/logout")
    refused(with_token(refresh).post(REFRESH), "revoked")


def test_logout_ends_the_access_token_at_once_and_with_it_a_second_logout(uma: User) -> None:
    access, refresh = json_web_tokens.issue(uma)
    renewed = with_token(refresh).post(REFRESH).json()["access_token"]
    assert with_token(access).post("/api/v2/auth/logout").status_code == 200
    for token in (access, renewed):
        refused(with_token(token).get(ME), "revoked")
    refused(with_token(access).post("/api/v2/auth/logout"), "revoked")


def test_logins_leave_no_rows_and_revocations_are_forgotten_when_they_no_longer_matter(uma: User) -> None:
    access, _ = json_web_tokens.issue(uma)
    assert not OutstandingToken.objects.exists()
    with_token(access).post("/api/v2/auth/logout")
    json_web_tokens.flush()
    assert BlacklistedToken.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        assert json_web_tokens.flush() == 2
    assert not OutstandingToken.objects.exists()
