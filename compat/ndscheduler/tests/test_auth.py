"""Signing in: the token, its cookie, and what is refused."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from typing import Any

import jwt
import pytest
import time_machine
from django.test import Client

from accounts import verbs
from accounts.models import User
from accounts.signin import json_web_tokens as native
from audit.models import Entry
from audit.record import Actor
from compat.ndscheduler import tokens
from conftest import PASSWORD

from .conftest import BASE, BODY, V1, Speak, told

UNAUTHORIZED = {"code": 401, "message": "Unauthorized"}


def login(name: str = "ada", password: str = PASSWORD) -> Any:
    return V1().ask("POST", "/auth/login", {"username": name, "password": password})


def decoded(token: str) -> dict[str, Any]:
    """As a client does it: without looking at the signature."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_a_login_answers_with_a_token_and_the_account(ada: User) -> None:
    answer = login()
    body = json.loads(answer.content)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json; charset=UTF-8"
    assert body["user"] == {
        "id": ada.pk,
        "username": "ada",
        "category_id": 0,
        "is_admin": True,
        "is_permission": True,
    }
    assert V1(body["token"]).get("/auth/verify") == {"user": body["user"]}


def test_the_token_says_who_it_is_for_one_day(olli: User) -> None:
    claims = decoded(json.loads(login("olli", "secret").content)["token"])
    left = claims.pop("exp") - dt.datetime.now(dt.UTC).timestamp()
    assert 86300 < left <= 86400
    assert claims == {
        "user_id": olli.pk,
        "username": "olli",
        "category_id": olli.category_id,
        "is_admin": False,
        "is_permission": True,
    }


def test_the_cookie_is_readable_by_pages_and_signs_requests(ada: User) -> None:
    answer = login()
    header = answer.cookies["token"].OutputString()
    value = header.split(";")[0].removeprefix("token=")
    assert base64.b64decode(value).decode() == json.loads(answer.content)["token"]
    assert "|" not in value
    assert '"' not in value
    assert "HttpOnly" not in header
    assert "Path=/" in header
    assert "Max-Age=86400" in header
    assert "SameSite=Lax" in header
    assert Client().get(f"{BASE}/jobs", headers={"Cookie": f"token={value}"}).status_code == 200


def test_the_header_goes_before_the_cookie(ada: User, v1: Speak) -> None:
    cookie = f"token={base64.b64encode(tokens.issue(ada, 0).encode()).decode()}"
    assert told(V1("garbage").ask("GET", "/jobs", Cookie=cookie)) == (401, UNAUTHORIZED)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"username": "ada"}, 400),
        ({"username": "ada", "password": ""}, 400),
        ({"username": " ", "password": "x"}, 400),
        ({"username": ["ada"], "password": "x"}, 400),
        ({"username": "ada", "password": 5}, 400),
        ({"username": "ada", "password": "wrong"}, 401),
        ({"username": "nobody", "password": PASSWORD}, 401),
        ({"username": "x" * 5000, "password": PASSWORD}, 401),
        (b"{", 400),
        (b"", 400),
        (b"[]", 400),
        (b'"ada"', 400),
        (b"\xff\xfe", 400),
    ],
)
def test_a_login_that_fails_says_why_in_a_plain_text(ada: User, body: Any, status: int) -> None:
    answer = V1().ask("POST", "/auth/login", body)
    assert told(answer)[0] == status
    assert isinstance(told(answer)[1], str)
    assert "token" not in answer.cookies
    if body == b"{":
        assert told(answer)[1].startswith("Invalid JSON format: ")


def test_logins_are_slowed_down_after_too_many_failures(ada: User) -> None:
    statuses = [login(password="wrong").status_code for _ in range(12)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert int(login(password="wrong")["Retry-After"]) > 0


def test_an_inactive_account_cannot_log_in_nor_use_its_token(uma: User, v1: Speak) -> None:
    client = v1(uma)
    User.objects.filter(pk=uma.pk).update(is_active=False)
    assert login("uma").status_code == 401
    assert told(client.ask("GET", "/jobs")) == (401, UNAUTHORIZED)


def test_a_token_ends_after_a_day(ada: User, v1: Speak) -> None:
    with time_machine.travel(dt.datetime.now(dt.UTC) - dt.timedelta(hours=25)):
        old = v1(ada)
    assert told(old.ask("GET", "/jobs")) == (401, UNAUTHORIZED)


def test_a_token_ends_with_the_account_its_name_and_its_password(ada: User, uma: User, v1: Speak) -> None:
    for change in ({"username": "ulla"}, {"password": "another-horse-11"}):
        client = v1(User.objects.get(pk=uma.pk))
        assert client.ask("GET", "/jobs").status_code == 200
        verbs.update(User.objects.get(pk=uma.pk), change, by=Actor(ada, "api"))
        assert told(client.ask("GET", "/jobs")) == (401, UNAUTHORIZED)
    client = v1(User.objects.get(pk=uma.pk))
    User.objects.get(pk=uma.pk).delete()
    assert told(client.ask("GET", "/jobs")) == (401, UNAUTHORIZED)


def test_rights_are_read_from_the_database_not_from_the_token(ada: User, uma: User, v1: Speak) -> None:
    client = v1(uma)
    verbs.update(uma, {"role": User.Role.VIEWER}, by=Actor(ada, "api"))
    assert client.get("/auth/verify")["user"]["is_permission"] is False
    assert told(client.ask("POST", "/jobs", BODY)) == (403, "Permission denied")


def test_tokens_that_are_none_of_ours_are_refused(ada: User) -> None:
    good = tokens.issue(ada, 0)
    head, payload, signature = good.split(".")
    claims = decoded(good)
    unsigned = jwt.encode(claims, "", algorithm="none")
    forged = jwt.encode(claims, "k" * 32, algorithm="HS256")
    others = [
        "x",
        "a.b.c",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        f"{head}.{payload}.",
        unsigned,
        forged,
        jwt.encode({"user_id": str(ada.pk)}, "k" * 32),
        jwt.encode({"user_id": 2**70}, "k" * 32),
        native.issue(ada)[0],
        "x" * 10_000,
    ]
    for token in others:
        assert told(V1(token).ask("GET", "/jobs")) == (401, UNAUTHORIZED), token
        assert told(V1(token).ask("GET", "/auth/verify"))[1] == "Unauthorized"


def test_a_token_of_this_dialect_opens_nothing_else(ada: User) -> None:
    headers = {"Authorization": f"Bearer {tokens.issue(ada, 0)}"}
    assert Client().get("/api/v2/jobs", headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/auth/login", "/auth/verify", "/auth/login/"])
@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://a.test", "Access_Control_Request_Method": "POST"}]
)
def test_the_preflight_of_signing_in_is_open_to_everybody(
    db: None, path: str, headers: dict[str, str]
) -> None:
    answer = V1().ask("OPTIONS", path, **headers)
    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://testserver"}, 201),
        ({"Referer": "http://testserver/page"}, 201),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "https://proxy.test"}, 201),
        ({"Origin": "https://trusted.test", "Sec_Fetch_Site": "cross-site"}, 201),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://testserver.evil.test"}, 403),
        ({"Origin": "http://testserver:81"}, 403),
        ({"Referer": "https://evil.test/testserver"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site", "Origin": "http://testserver"}, 403),
    ],
)
def test_the_cookie_writes_for_pages_of_our_own_origin_only(
    ada: User, settings: Any, headers: dict[str, str], status: int
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.test"]
    client = V1()
    client.headers = {"Cookie": f"token={base64.b64encode(tokens.issue(ada, 0).encode()).decode()}"}
    assert client.ask("POST", "/jobs", BODY, **headers).status_code == status
    assert client.ask("GET", "/jobs", **headers).status_code == 200


def test_a_bearer_token_writes_from_everywhere(ada: User, v1: Speak) -> None:
    assert v1(ada).ask("POST", "/jobs", BODY, Origin="https://elsewhere.test").status_code == 201


def test_a_login_is_in_the_trail_with_its_surface(ada: User) -> None:
    login()
    entry = Entry.objects.get(event="login")
    assert (entry.surface, entry.actor_name) == ("v1", "ada")


def test_a_slash_at_the_end_makes_no_difference(ada: User, v1: Speak) -> None:
    assert v1(ada).ask("GET", "/jobs/").status_code == 200
    assert V1().ask("POST", "/auth/login/", {"username": "ada", "password": PASSWORD}).status_code == 200


def test_unknown_methods_and_paths_are_told_with_a_code(ada: User, v1: Speak) -> None:
    client = v1(ada)
    for method, path in [("PUT", "/logs"), ("TRACE", "/jobs"), ("POST", "/auth/verify"), ("BREW", "/jobs")]:
        assert told(client.ask(method, path)) == (405, {"code": 405, "message": "Method Not Allowed"})
    assert client.ask("HEAD", "/jobs").status_code == 405
    assert client.ask("POST", "/logs")["Allow"] == "GET"
    assert client.ask("POST", "/jobs/x")["Allow"] == "GET, PUT, PATCH, DELETE, OPTIONS"
    for path in ("/nothing", "/", "/jobs/a/b"):
        assert told(client.ask("GET", path)) == (404, {"code": 404, "message": "Not Found"})
    assert told(V1().ask("GET", "/jobs")) == (401, UNAUTHORIZED)


def test_an_error_of_ours_tells_nothing_of_itself(
    ada: User, v1: Speak, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.ndscheduler.views.access.jobs", lambda _user: 1 / 0)
    answer = v1(ada).ask("GET", "/jobs")
    assert told(answer) == (500, {"code": 500, "message": "Internal server error"})


def test_the_login_of_every_token_is_an_id_that_each_database_takes() -> None:
    """MariaDB refuses sixteen bytes without the marks of a version and variant (RFC 4122)."""
    logins = [tokens.login_of(f"token {number}") for number in range(200)]
    assert {(login.version, login.variant) for login in logins} == {(5, uuid.RFC_4122)}
    assert len(set(logins)) == 200
