"""API tokens for machines: who gets them, what they open, and what ends them."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import verbs
from accounts.models import ApiToken, User
from accounts.signin import api_tokens
from audit.models import Entry
from audit.record import Actor
from conftest import PASSWORD, Api

pytestmark = pytest.mark.django_db

ME, TOKENS = "/api/v2/auth/me", "/api/v2/auth/tokens"
BY = Actor(None, "api")


def made(
    owner: User, *, read_only: bool = False, expires_at: dt.datetime | None = None
) -> tuple[ApiToken, str]:
    return api_tokens.create(owner, "nightly", read_only=read_only, expires_at=expires_at, by=BY)


def machine(raw: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {raw}")
    return client


def refused(raw: str, text: str) -> None:
    answer = machine(raw).get(ME)
    assert (answer.status_code, answer.json()) == (401, {"detail": text})


# What they open --------------------------------------------------------------------------------------------------------


def test_a_token_acts_as_its_owner_with_the_owners_role_of_this_moment(uma: User) -> None:
    client = machine(made(uma)[1])
    assert client.get(ME).json()["user"]["username"] == "uma"
    assert client.get("/api/v2/auth/users").status_code == 403
    verbs.update(uma, {"role": "admin"}, by=BY)
    assert client.get("/api/v2/auth/users").status_code == 200
    assert client.get("/metrics").status_code == 200


def test_a_read_only_token_may_look_and_nothing_else(uma: User) -> None:
    client = machine(made(uma, read_only=True)[1])
    assert client.get("/api/v2/jobs").status_code == 200
    for method, url in ((client.post, "jobs"), (client.put, "jobs/x"), (client.delete, "jobs/x")):
        answer = method(f"/api/v2/{url}", {}, format="json")
        assert (answer.status_code, answer.json()) == (403, {"detail": "This API token may only read."})


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("get", TOKENS, None),
        ("post", TOKENS, {"name": "another"}),
        ("delete", f"{TOKENS}/x", None),
        ("put", "/api/v2/auth/users/{uid}", {"password": "another-horse-9"}),
        ("post", "/api/v2/auth/register", {"username": "eve", "email": "e@example.com", "password": "x" * 9}),
    ],
)
def test_a_token_neither_manages_tokens_nor_sets_passwords(
    ada: User, method: str, url: str, body: Any
) -> None:
    client = machine(made(ada)[1])
    answer = getattr(client, method)(url.format(uid=ada.uid), body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (403, "Insufficient permissions")
    assert (ApiToken.objects.count(), User.objects.count()) == (1, 1)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_a_token_is_no_refresh_token(uma: User) -> None:
    assert machine(made(uma)[1]).post("/api/v2/auth/refresh").status_code == 401


def test_its_use_is_noted_once_a_minute(uma: User) -> None:
    token, raw = made(uma)
    now = timezone.now()
    for seconds, noted in ((0, 0), (59, 0), (61, 61)):
        api_tokens.accepted(raw, None, now + dt.timedelta(seconds=seconds))
        token.refresh_from_db()
        assert token.last_used_at == now + dt.timedelta(seconds=noted)


# What ends them --------------------------------------------------------------------------------------------------------


def test_rubbish_and_a_wrong_end_are_refused(uma: User) -> None:
    raw = made(uma)[1]
    for wrong in ("belfry_", "belfry_x", raw[:-1], raw + "x", raw[:15] + raw[16:], "belfry_\u00e9"):
        refused(wrong, "Invalid token")


def test_a_revoked_token_and_one_that_has_expired_are_refused(uma: User) -> None:
    token, raw = made(uma)
    assert api_tokens.revoke(token, by=BY) is True
    assert api_tokens.revoke(token, by=BY) is False
    refused(raw, "Token has been revoked")
    _, raw = made(uma, expires_at=timezone.now() + dt.timedelta(hours=1))
    assert machine(raw).get(ME).status_code == 200
    with time_machine.travel(timezone.now() + dt.timedelta(hours=1, seconds=1), tick=False):
        refused(raw, "Token has expired")


def test_the_token_of_a_person_who_is_switched_off_is_refused(uma: User) -> None:
    raw = made(uma)[1]
    verbs.update(uma, {"is_active": False}, by=BY)
    refused(raw, "User account is deactivated")


def test_a_new_password_does_not_end_it(uma: User) -> None:
    raw = made(uma)[1]
    verbs.update(uma, {"password": "another-horse-9"}, by=BY)
    assert machine(raw).get(ME).status_code == 200


def test_bad_tokens_slow_their_address_down_but_neither_good_ones_nor_logins(api: Api, uma: User) -> None:
    raw = made(uma)[1]
    codes = [machine("belfry_wrong").get(ME).status_code for _ in range(31)]
    assert codes == [401] * 30 + [429]
    assert machine("belfry_wrong").get(ME)["Retry-After"]
    assert machine(raw).get(ME).status_code == 200
    login = {"username": "uma", "password": PASSWORD}
    assert api().post("/api/v2/auth/login", login, format="json").status_code == 200


# The API ---------------------------------------------------------------------------------------------------------------


def test_a_token_is_made_shown_once_listed_and_revoked(api: Api, vic: User) -> None:
    client = api(vic)
    answer = client.post(TOKENS, {"name": " nightly ", "expires_at": "2099-01-01T00:00:00Z"}, format="json")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    value, token = answer.json()["value"], answer.json()["token"]
    assert re.fullmatch(r"belfry_[\w-]{43}", value)
    assert token == {
        "id": token["id"], "name": "nightly", "prefix": value[:15], "read_only": False,
        "owner": {"id": str(vic.uid), "username": "vic"},
        "created_at": token["created_at"], "expires_at": "2099-01-01T00:00:00.000000", "last_used_at": None, "revoked_at": None,
    }  # fmt: skip
    assert machine(value).get(ME).json()["user"]["username"] == "vic"
    listed = client.get(TOKENS)
    assert listed.json()["count"] == 1
    assert value not in listed.content.decode()
    revoked = client.delete(f"{TOKENS}/{token['id']}")
    assert (revoked.status_code, revoked.json()["token"]["revoked_at"] is None) == (200, False)
    assert client.delete(f"{TOKENS}/{token['id']}").json()["message"] == "API token is revoked already"
    assert machine(value).get(ME).status_code == 401


def test_nothing_of_its_value_is_kept(api: Api, uma: User) -> None:
    value = api(uma).post(TOKENS, {"name": "n"}, format="json").json()["value"]
    assert value not in json.dumps(list(ApiToken.objects.values()), default=str)
    entries = list(Entry.objects.filter(object_type="apitoken").values())
    assert len(entries) == 1
    assert value[15:] not in json.dumps(entries, default=str)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": " "}, {"name": "x" * 101}, {"name": 7},
        {"name": "n", "read_only": "yes"}, {"name": "n", "read_only": 1},
        {"name": "n", "expires_at": "tomorrow"}, {"name": "n", "expires_at": 7},
        {"name": "n", "expires_at": "2020-01-01T00:00:00Z"}, {"name": "n", "expires_at": "9999-12-31T23:59:59-23:00"},
    ],
)  # fmt: skip
def test_what_makes_no_token_is_refused(api: Api, uma: User, body: dict[str, Any]) -> None:
    assert api(uma).post(TOKENS, body, format="json").status_code == 400
    assert not ApiToken.objects.exists()


def test_others_tokens_are_for_administrators(api: Api, uma: User, vic: User, ada: User) -> None:
    token, _ = made(uma)
    assert api(vic).get(TOKENS).json()["tokens"] == []
    assert api(vic).delete(f"{TOKENS}/{token.uid}").status_code == 404
    assert api(ada).get(TOKENS).json()["count"] == 1
    assert api(ada).delete(f"{TOKENS}/{token.uid}").status_code == 200
    assert api().get(TOKENS).status_code == 401


def test_one_account_has_so_many_and_no_more(api: Api, uma: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MOST", 1)
    made(uma)
    assert api(uma).post(TOKENS, {"name": "n"}, format="json").status_code == 409


# The pages -------------------------------------------------------------------------------------------------------------


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_shows_a_new_token_once_and_revokes_it(uma: User) -> None:
    client = browser(uma)
    assert '"/tokens"' in client.get("/password").content.decode()
    answer = client.post("/tokens", {"name": "<b>n", "read_only": "on", "last_day": "2099-01-01"})
    assert "no-store" in answer["Cache-Control"]
    (value,) = re.findall(r'value="(belfry_[\w-]{43})"', answer.content.decode())
    assert machine(value).get(ME).status_code == 200
    page = client.get("/tokens").content.decode()
    assert value not in page
    assert value[:15] in page
    assert "&lt;b&gt;n" in page
    token = ApiToken.objects.get()
    assert token.read_only
    client.post(f"/tokens/{token.uid}/revoke")
    assert machine(value).get(ME).status_code == 401
    assert "revoked" in client.get("/tokens").content.decode()


@pytest.mark.parametrize("day", ["2020-01-01", "9999-12-31", "x", "\0"])
def test_a_last_day_that_is_none_is_refused(uma: User, day: str) -> None:
    assert browser(uma).post("/tokens", {"name": "n", "last_day": day}).context["form"].errors["last_day"]
    assert not ApiToken.objects.exists()


def test_others_tokens_are_not_on_the_page_and_cannot_be_revoked_there(
    uma: User, vic: User, ada: User
) -> None:
    token, _ = made(uma)
    assert token.prefix not in browser(vic).get("/tokens").content.decode()
    assert browser(vic).post(f"/tokens/{token.uid}/revoke").status_code == 404
    assert token.prefix in browser(ada).get("/tokens").content.decode()


def test_the_admin_site_shows_them_and_changes_nothing(ada: User) -> None:
    token, _ = made(ada)
    client = browser(ada)
    assert token.prefix in client.get("/admin/accounts/apitoken/").content.decode()
    page = client.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()
    assert token.digest not in page
    assert client.get("/admin/accounts/apitoken/add/").status_code == 403
    assert client.post(f"/admin/accounts/apitoken/{token.pk}/delete/", {"post": "yes"}).status_code == 403
