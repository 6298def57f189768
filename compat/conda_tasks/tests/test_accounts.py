"""Logging in and out, the life of a session, and who makes accounts (document, "认证接口"; wire facts, 1)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import verbs
from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from compat.conda_tasks.tests.conftest import Old, Speak
from conftest import PASSWORD
from scheduler_site.rest.operator_tokens import expected

RIGHT = {"username": "uma", "password": PASSWORD}
NEW = {"username": "nora", "password": "secret"}
LOCKED = {
    "success": False,
    "message": "Authentication required",
    "error": "Please log in to perform this operation",
}


def is_in(client: Old) -> bool:
    status, body = client.ask("POST", "/create_user", {})
    assert status in (400, 401, 403), body
    return status != 401


def age(**by: int) -> None:
    """As if the sessions had been opened so much earlier."""
    for row in Session.objects.all():
        Session.objects.filter(pk=row.pk).update(expire_date=row.expire_date - dt.timedelta(**by))


def test_a_login_answers_with_the_account_and_a_cookie_of_15_minutes(old: Speak, uma: User) -> None:
    answer = old().log_in("uma")
    assert answer.json() == {"message": "Login successful", "user": {"username": "uma", "is_admin": False}}
    cookie = answer.cookies["session"]
    assert (cookie["path"], cookie["httponly"], cookie["max-age"], cookie["samesite"]) == (
        "/",
        True,
        900,
        "Lax",
    )
    assert len(cookie.value) >= 32
    assert list(Entry.objects.values_list("event", "actor_name", "surface")) == [("login", "uma", "conda")]


def test_the_table_of_sessions_does_not_hold_the_id(old: Speak, uma: User) -> None:
    token = old().log_in("uma").cookies["session"].value
    row = Session.objects.get()
    assert token not in (row.session_key, row.session_data)
    stranger = Old()
    stranger.http.cookies["session"] = row.session_key
    assert not is_in(stranger)
    stranger.http.cookies["belfry_session"] = row.session_key
    assert stranger.send("GET", "/jobs").status_code == 302


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (RIGHT | {"password": "wrong"}, 401),
        (RIGHT | {"username": "nobody"}, 401),
        ({"username": "uma"}, 401),
        ({"username": "uma", "password": 5}, 401),
        ({"username": None, "password": PASSWORD}, 401),
        (b"no json", 400),
        (b"[1]", 400),
        (b'{"username": "\\u0000", "password": "x"}', 400),
        (b"", 400),
    ],
)
def test_who_is_not_let_in_gets_no_cookie(old: Speak, uma: User, body: Any, status: int) -> None:
    answer = old().send("POST", "/login", body)
    assert (answer.status_code, "session" in answer.cookies) == (status, False)
    assert set(answer.json()) <= {"message", "error"}
    if status == 401:
        assert answer.json() == {"message": "Invalid username or password"}


def test_guessing_is_slowed_down(old: Speak, uma: User) -> None:
    wrong = RIGHT | {"password": "wrong"}
    answers = [old().send("POST", "/login", wrong) for _ in range(11)]
    assert [one.status_code for one in answers] == [401] * 10 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert "Too many attempts" in answers[-1].json()["message"]


def test_a_form_is_the_page_s_and_needs_its_token(old: Speak, uma: User) -> None:
    client = old()
    assert "csrfmiddlewaretoken" in client.send("GET", "/login").content.decode()
    form = {"username": "uma", "password": PASSWORD}
    assert client.http.post("/login", form).status_code == 403
    assert client.http.post("/logout").status_code == 403
    assert client.http.get("/logout").status_code == 405


def test_a_session_is_over_after_15_minutes_without_use(old: Speak, uma: User) -> None:
    client = old(uma)
    age(minutes=14)
    assert is_in(client)
    age(minutes=14)
    assert is_in(client)  # it was renewed
    age(minutes=15)
    assert not is_in(client)


def test_a_session_in_use_gets_its_cookie_again(old: Speak, uma: User) -> None:
    client = old(uma)
    token = client.http.cookies["session"].value
    assert "session" not in client.send("POST", "/create_user", {}).cookies
    age(minutes=2)
    cookie = client.send("POST", "/create_user", {}).cookies["session"]
    assert (cookie.value, cookie["max-age"], cookie["httponly"]) == (token, 900, True)


def test_old_sessions_are_forgotten_when_somebody_logs_in(old: Speak, uma: User) -> None:
    old(uma)
    age(minutes=16)
    old(uma)
    assert Session.objects.filter(expire_date__lt=timezone.now()).count() == 0


def test_a_logout_ends_the_session_on_the_server(old: Speak, uma: User) -> None:
    client = old(uma)
    token = client.http.cookies["session"].value
    answer = client.send("POST", "/logout")
    assert (answer.status_code, answer.json()) == (200, {"message": "Logout successful"})
    assert (
        answer.cookies["session"].OutputString().startswith("session=; ")
        or answer.cookies["session"].OutputString() == "session="
    )
    assert (answer.cookies["session"]["max-age"], answer.cookies["session"]["httponly"]) == (0, True)
    client.http.cookies["session"] = token
    assert not is_in(client)
    assert Entry.objects.filter(event="logout", actor=uma, surface="conda").count() == 1


def test_logging_out_without_a_session_is_fine(old: Speak) -> None:
    assert old().ask("POST", "/logout") == (200, {"message": "Logout successful"})
    assert old().ask("POST", "/logout", {}) == (200, {"message": "Logout successful"})
    assert old().ask("POST", "/logout/", {}) == (200, {"message": "Logout successful"})


def test_a_session_ends_with_the_password_and_with_the_account(old: Speak, ada: User, uma: User) -> None:
    by = Actor(ada, "api")
    client = old(uma)
    verbs.update(uma, {"password": "another-horse-10"}, by=by)
    assert not is_in(client)
    client.log_in("uma", "another-horse-10")
    assert is_in(client)
    verbs.update(uma, {"is_active": False}, by=by)
    assert not is_in(client)
    verbs.update(uma, {"is_active": True}, by=by)
    verbs.delete(uma, by=by)
    assert not is_in(client)


@pytest.mark.parametrize("token", ["", "x", "ü" * 20, "a" * 5000])
def test_a_made_up_cookie_is_no_session(old: Speak, token: str) -> None:
    client = old()
    client.http.cookies["session"] = token
    assert client.ask("POST", "/create_user", NEW)[0] == 401


def test_an_administrator_makes_accounts_that_may_run_code(old: Speak, ada: User) -> None:
    answer = old(ada).ask("POST", "/create_user", NEW)
    user = {"username": "nora", "is_admin": False}
    assert answer == (201, {"message": "User created successfully", "user": user})
    nora = User.objects.get(username="nora")
    assert (nora.role, nora.may_run_code, nora.category) == ("user", True, None)
    assert old().log_in("nora", "secret").status_code == 200
    boss = old(ada).ask("POST", "/create_user", NEW | {"username": "boss", "is_admin": True})[1]["user"]
    assert boss == {"username": "boss", "is_admin": True}
    assert old().log_in("boss", "secret").json()["user"]["is_admin"] is True


@pytest.mark.parametrize(
    "change",
    [
        {"username": None},
        {"username": ""},
        {"username": "x" * 151},
        {"username": "a b"},
        {"username": 7},
        {"password": None},
        {"password": ""},
        {"password": 7},
        {"password": "x" * 1025},
        {"is_admin": "yes"},
        {"is_admin": 1},
    ],
)
def test_an_account_with_a_fault_is_not_made(old: Speak, ada: User, change: dict[str, Any]) -> None:
    status, body = old(ada).ask("POST", "/create_user", NEW | change)
    assert (status, set(body), User.objects.count()) == (400, {"message"}, 1)


def test_a_name_is_taken_once(old: Speak, ada: User, uma: User) -> None:
    answer = old(ada).ask("POST", "/create_user", NEW | {"username": "uma"})
    assert answer == (400, {"message": "User already exists"})


def test_others_make_no_accounts(old: Speak, coder: User, vic: User) -> None:
    assert old().ask("POST", "/create_user", NEW) == (
        401,
        {key: text for key, text in LOCKED.items() if key != "success"},
    )
    for user in (coder, vic):
        refused = {"message": "Unauthorized - Admin privileges required"}
        assert old(user).ask("POST", "/create_user", NEW) == (403, refused)
        assert old(user).ask("POST", "/create_user", b"no json") == (403, refused)


@pytest.mark.parametrize("path", ["/login", "/logout", "/create_user"])
def test_a_page_of_another_origin_changes_nothing(old: Speak, ada: User, path: str) -> None:
    client = old(ada)
    foreign = {"HTTP_ORIGIN": "https://evil.example"}
    status, body = client.ask("POST", path, NEW | {"username": "ada", "password": PASSWORD}, **foreign)
    assert (status, set(body)) == (403, {"message", "error"})
    assert is_in(client)
    ours = {"HTTP_ORIGIN": "http://testserver"}
    assert client.ask("POST", path, {"username": "ada", "password": PASSWORD}, **ours)[0] in (200, 400)


@pytest.mark.parametrize("kind", ["text/plain", ""])
def test_what_is_not_said_to_be_json_is_refused(old: Speak, ada: User, kind: str) -> None:
    client = old(ada)
    for path in ("/login", "/create_user"):
        status, body = client.ask("POST", path, NEW, kind=kind)
        assert (status, body["error"]) == (400, "Content-Type must be application/json")


def test_only_post_is_known(old: Speak, ada: User) -> None:
    answer = old(ada).send("GET", "/create_user")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert answer.json() == {"message": "Method Not Allowed"}


def test_the_operator_is_noted_and_a_wrong_one_refused(old: Speak, ada: User, settings: Settings) -> None:
    client = old(ada)
    wrong = {"user_id": "A123", "token": "wrong"}
    assert client.ask("POST", "/create_user", NEW | wrong) == (401, {"detail": "Token 驗證失敗"})
    right = {"user_id": "A123", "token": expected("A123")}
    assert client.ask("POST", "/create_user", NEW | right)[0] == 201
    assert Entry.objects.get(event="added", object_name="nora").operator == "A123"
    settings.OPERATOR_TOKEN_REQUIRED = True
    assert client.ask("POST", "/create_user", NEW | {"username": "otto"})[0] == 401
