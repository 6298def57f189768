"""The account pages: log in, log out, change the password."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.signin import json_web_tokens
from audit.models import Entry
from conftest import PASSWORD, Api

FORM = {"username": "uma", "password": PASSWORD}
CHANGE = {"old_password": PASSWORD, "new_password1": "next-horse-9", "new_password2": "next-horse-9"}


@pytest.fixture
def page(uma: User) -> Client:
    client = Client()
    client.force_login(uma)
    return client


def test_the_login_page_shows_a_form_with_a_csrf_token(client: Client, db: None) -> None:
    text = client.get("/login").content.decode()
    assert "csrfmiddlewaretoken" in text
    assert 'name="username"' in text
    assert 'type="password"' in text


@pytest.mark.parametrize("name", ["uma", "uma@example.com"])
def test_the_right_password_opens_a_session(client: Client, uma: User, name: str) -> None:
    answer = client.post("/login", FORM | {"username": name})
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    cookie = answer.cookies["belfry_session"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert client.session["_auth_user_id"] == str(uma.pk)
    assert list(Entry.objects.values_list("event", "surface")) == [("login", "page")]


def test_the_session_gets_a_new_key_at_login(client: Client, uma: User) -> None:
    session = client.session
    session["planted"] = True
    session.save()
    client.post("/login", FORM)
    assert client.session.session_key != session.session_key


@pytest.mark.parametrize("form", [FORM | {"password": "wrong-horse"}, FORM | {"username": "nobody"}])
def test_a_wrong_pair_shows_one_text_and_keeps_the_name(
    client: Client, uma: User, form: dict[str, str]
) -> None:
    answer = client.post("/login", form)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Invalid email/username or password" in text
    assert f'value="{form["username"]}"' in text
    assert form["password"] not in text
    assert "_auth_user_id" not in client.session


def test_an_inactive_account_cannot_log_in(client: Client, uma: User) -> None:
    User.objects.update(is_active=False)
    assert "inactive" in client.post("/login", FORM).content.decode()
    assert "_auth_user_id" not in client.session


def test_login_without_a_csrf_token_is_refused(uma: User) -> None:
    assert Client(enforce_csrf_checks=True).post("/login", FORM).status_code == 403


@pytest.mark.parametrize(
    "form", [{}, {"username": "um\x00a", "password": "x"}, {"username": "x" * 10**5, "password": "x"}]
)
def test_an_odd_login_form_is_shown_again(client: Client, db: None, form: dict[str, str]) -> None:
    assert client.post("/login", form).status_code == 200


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/jobs", "/jobs"),
        ("/jobs?page=2", "/jobs?page=2"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("http:///evil.test", "/"),
    ],
)
def test_login_leads_to_local_pages_only(client: Client, uma: User, target: str, expected: str) -> None:
    assert client.post("/login", FORM | {"next": target})["Location"] == expected


def test_who_is_logged_in_is_led_on(page: Client) -> None:
    assert page.get("/login")["Location"] == "/"


def test_logging_out_takes_a_post(page: Client) -> None:
    assert page.get("/logout").status_code == 405
    answer = page.post("/logout")
    assert answer["Location"] == "/login"
    assert "_auth_user_id" not in page.session
    assert list(Entry.objects.values_list("event", "actor_name")) == [("logout", "uma")]


def test_logging_out_without_a_session_is_no_error(client: Client, db: None) -> None:
    assert client.post("/logout").status_code == 302
    assert not Entry.objects.exists()


def test_the_password_page_is_for_accounts_only(client: Client, db: None) -> None:
    assert client.get("/password")["Location"] == "/login?next=/password"
    assert client.post("/password", CHANGE).status_code == 302


def test_a_new_password_ends_the_other_sessions_and_all_tokens_but_not_this_session(
    page: Client, uma: User, api: Api
) -> None:
    elsewhere, machine = Client(), api(uma)
    elsewhere.force_login(uma)
    assert page.post("/password", CHANGE).status_code == 302
    assert page.get("/password").status_code == 200
    assert elsewhere.get("/password").status_code == 302
    assert machine.get("/api/v2/auth/me").status_code == 401
    uma.refresh_from_db()
    assert uma.check_password("next-horse-9")


def test_the_session_of_a_changed_password_can_still_use_the_api(page: Client) -> None:
    page.post("/password", CHANGE)
    assert page.get("/api/v2/auth/me").status_code == 200


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"old_password": "guess"}, "This is not your current password."),
        ({"new_password2": "other-horse"}, "didn’t match"),
        ({"new_password1": "short", "new_password2": "short"}, "too short"),
        ({"old_password": ""}, "required"),
    ],
)
def test_a_refused_change_is_explained_beside_the_field(
    page: Client, uma: User, change: dict[str, str], text: str
) -> None:
    answer = page.post("/password", CHANGE | change)
    assert answer.status_code == 200
    assert text in answer.content.decode().replace("&#x27;", "'")
    uma.refresh_from_db()
    assert uma.check_password(PASSWORD)
    assert not Entry.objects.exists()


def test_the_change_is_recorded_without_the_passwords(page: Client) -> None:
    page.post("/password", CHANGE)
    entry = Entry.objects.get()
    assert (entry.event, entry.actor_name, entry.surface) == ("password_changed", "uma", "page")
    assert "horse" not in str(entry.changes)


def test_the_session_of_a_deleted_account_is_over(page: Client, uma: User) -> None:
    uma.delete()
    assert page.get("/password").status_code == 302
    assert page.get("/api/v2/auth/me").status_code == 401


def test_our_pages_use_the_api_with_their_session_and_a_csrf_token(uma: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(uma)
    target, body = f"/api/v2/auth/users/{uma.uid}", {"email": "new@example.com"}
    answer = client.put(target, body, content_type="application/json")
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]
    client.get("/password")
    token = client.cookies["belfry_csrf"].value
    answer = client.put(target, body, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 200


def test_a_bearer_token_needs_no_csrf_token(uma: User) -> None:
    header = {"Authorization": f"Bearer {json_web_tokens.issue(uma)[0]}"}
    client = Client(enforce_csrf_checks=True)
    assert client.post("/api/v2/auth/logout", headers=header).status_code == 200
