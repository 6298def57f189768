"""Everybody sees where he is logged in, and ends it there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Login, User
from accounts.signin import api_tokens, json_web_tokens, logins
from audit.models import Entry
from audit.record import Actor
from conftest import PASSWORD, Api

LOGIN, REFRESH, ME = "/api/v2/auth/login", "/api/v2/auth/refresh", "/api/v2/auth/me"
SESSIONS = "/api/v2/auth/sessions"
ASK = {"username": "uma", "password": PASSWORD}


def with_token(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def api_login(**more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (
        APIClient().post(LOGIN, ASK | more, format="json", HTTP_USER_AGENT="curl/8").json()
    )
    return answer


def page_login() -> Client:
    client = Client(HTTP_USER_AGENT="Firefox")
    assert client.post("/login", ASK).status_code == 302
    return client


def v1_login() -> dict[str, str]:
    token = Client().post("/api/v1/auth/login", ASK, content_type="application/json").json()["token"]
    return {"Authorization": f"Bearer {token}"}


def conda_login() -> Client:
    client = Client()
    assert client.post("/login", ASK, content_type="application/json").status_code == 200
    return client


def refresh(token: str) -> Any:
    return with_token(token).post(REFRESH)


# Rotation --------------------------------------------------------------------------------------------------------------


def test_a_client_that_asks_for_it_gets_a_new_refresh_token_each_time(uma: User) -> None:
    first = api_login(rotate=True)["refresh_token"]
    second = refresh(first).json()["refresh_token"]
    third = refresh(second).json()["refresh_token"]
    assert len({first, second, third}) == 3
    assert with_token(refresh(third).json()["access_token"]).get(ME).status_code == 200


def test_a_refresh_token_that_comes_twice_ends_the_whole_login(uma: User) -> None:
    first = api_login(rotate=True)
    renewed = refresh(first["refresh_token"]).json()
    elsewhere = api_login()
    assert refresh(first["refresh_token"]).status_code == 401
    assert refresh(renewed["refresh_token"]).status_code == 401
    for token in (first["access_token"], renewed["access_token"]):
        assert with_token(token).get(ME).status_code == 401
    assert Entry.objects.filter(event="logout", description__contains="twice").count() == 1
    assert with_token(elsewhere["access_token"]).get(ME).status_code == 200


def test_clients_that_know_no_rotation_keep_their_refresh_token(uma: User) -> None:
    token = api_login()["refresh_token"]
    answers = [refresh(token).json() for _ in range(3)]
    assert [one["refresh_token"] for one in answers] == [None] * 3
    assert with_token(answers[2]["access_token"]).get(ME).status_code == 200


def test_an_installation_may_rotate_for_everybody(uma: User, settings: Any) -> None:
    settings.SIMPLE_JWT = settings.SIMPLE_JWT | {"ROTATE_REFRESH_TOKENS": True}
    token = api_login()["refresh_token"]
    assert refresh(token).json()["refresh_token"]
    assert refresh(token).status_code == 401


# Seen and ended --------------------------------------------------------------------------------------------------------


def test_the_logins_of_every_door_are_listed_with_device_and_address(uma: User, vic: User) -> None:
    access = api_login()["access_token"]
    page_login()
    v1_login()
    conda_login()
    Client().post("/login", {"username": "vic", "password": PASSWORD})
    told = with_token(access).get(SESSIONS).json()
    assert told["count"] == 4
    assert {one["surface"] for one in told["sessions"]} == {"api", "page", "v1", "conda"}
    ours = next(one for one in told["sessions"] if one["surface"] == "api")
    assert (ours["device"], ours["address"], ours["current"]) == ("curl/8", "127.0.0.1", True)
    assert [one["current"] for one in told["sessions"]].count(True) == 1


@pytest.mark.parametrize("surface", ["api", "page", "v1", "conda"])
def test_ending_a_login_ends_it_at_its_door_and_nowhere_else(uma: User, surface: str) -> None:
    pair, page, v1, conda = api_login(), page_login(), v1_login(), conda_login()
    mine = with_token(api_login()["access_token"])

    def alive() -> dict[str, bool]:
        return {
            "api": with_token(pair["access_token"]).get(ME).status_code == 200,
            "refresh": refresh(pair["refresh_token"]).status_code == 200,
            "page": page.get("/password").status_code == 200,
            "v1": Client().get("/api/v1/auth/verify", headers=v1).status_code == 200,
            "conda": conda.get("/api/conda/environments").status_code == 200,
        }

    assert all(alive().values())
    others = mine.get(SESSIONS).json()["sessions"]
    target = next(one for one in others if one["surface"] == surface and not one["current"])
    assert mine.delete(f"{SESSIONS}/{target['id']}").status_code == 200
    gone = {surface, "refresh"} if surface == "api" else {surface}
    assert {name for name, good in alive().items() if not good} == gone
    assert mine.delete(f"{SESSIONS}/{target['id']}").status_code == 404


def test_logging_out_everywhere_ends_every_session_and_token_but_api_tokens(uma: User) -> None:
    pair, page, v1, conda = api_login(), page_login(), v1_login(), conda_login()
    older = json_web_tokens.issue(uma)[0]  # of a version that kept no list
    _row, machine = api_tokens.create(uma, "m", read_only=False, expires_at=None, by=Actor.system())
    assert page.post("/sessions/end").status_code == 302
    assert page.get("/password").status_code == 302
    for token in (pair["access_token"], older):
        assert with_token(token).get(ME).status_code == 401
    assert refresh(pair["refresh_token"]).status_code == 401
    assert Client().get("/api/v1/auth/verify", headers=v1).status_code == 401
    assert conda.get("/api/conda/environments").status_code == 401
    assert with_token(machine).get(ME).status_code == 200
    assert not logins.of(uma).exists()
    assert api_login()["success"]


def test_nobody_sees_or_ends_the_sessions_of_others(uma: User, vic: User, ada: User, api: Api) -> None:
    api_login()
    login = Login.objects.get(user=uma)
    for other in (vic, ada):
        assert api(other).get(SESSIONS).json() == {"count": 0, "sessions": []}
        assert api(other).delete(f"{SESSIONS}/{login.uid}").status_code == 404
    assert logins.of(uma).exists()


def test_an_api_token_neither_sees_nor_ends_sessions(uma: User) -> None:
    raw = api_tokens.create(uma, "m", read_only=False, expires_at=None, by=Actor.system())[1]
    api_login()
    client = with_token(raw)
    assert client.get(SESSIONS).status_code == client.delete(SESSIONS).status_code == 403
    assert client.delete(f"{SESSIONS}/{Login.objects.get().uid}").status_code == 403
    assert logins.of(uma).exists()


def test_a_new_password_ends_all_but_the_session_in_which_it_was_set(uma: User) -> None:
    api_login()
    page_login()
    here = page_login()
    form = {"old_password": PASSWORD, "new_password1": "next-horse-9", "new_password2": "next-horse-9"}
    assert here.post("/password", form).status_code == 302
    shown = here.get("/sessions").context["sessions"]
    assert [one.session_key for one in shown] == [here.session.session_key]


def test_logging_out_takes_the_session_from_the_list(uma: User) -> None:
    page, conda = page_login(), conda_login()
    with_token(api_login()["access_token"]).post("/api/v2/auth/logout")
    page.post("/logout")
    conda.post("/logout", content_type="application/json")
    assert not logins.of(uma).exists()


def test_logging_out_by_the_api_with_the_session_of_a_page_ends_it(uma: User) -> None:
    page, other = page_login(), page_login()
    assert page.post("/api/v2/auth/logout").status_code == 200
    assert page.get("/password").status_code == 302
    assert other.get("/password").status_code == 200
    assert logins.of(uma).count() == 1


def test_a_login_stays_in_the_list_as_long_as_its_rotating_tokens_are_renewed(uma: User) -> None:
    token = api_login(rotate=True)["refresh_token"]
    for days in (20, 40):
        with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
            renewed = refresh(token).json()
            token = renewed["refresh_token"]
            assert with_token(renewed["access_token"]).get(SESSIONS).json()["count"] == 1


def test_only_logins_that_were_good_are_counted_as_ended(uma: User) -> None:
    api_login()
    page_login()
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        access = api_login()["access_token"]
        assert with_token(access).delete(SESSIONS).json()["ended_count"] == 1


def test_the_page_shows_them_and_ends_one(uma: User) -> None:
    here, there = page_login(), page_login()
    text = here.get("/sessions").content.decode()
    assert text.count("Firefox") >= 2
    assert "This session" in text
    other = Login.objects.get(session_key=there.session.session_key)
    assert here.post(f"/sessions/{other.uid}/end").status_code == 302
    assert there.get("/password").status_code == 302


def test_when_it_was_last_seen_is_noted_every_few_minutes_and_costs_no_query_otherwise(
    uma: User, django_assert_num_queries: Any
) -> None:
    client = with_token(api_login()["access_token"])
    with django_assert_num_queries(1):
        client.get(ME)
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        client.get(ME)
        assert Login.objects.get().last_seen_at == timezone.now()


def test_logins_that_are_long_over_are_forgotten(uma: User) -> None:
    api_login()
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        assert not logins.of(uma).exists()
        assert logins.flush() == 0  # its address is one of the account's for a while
    with time_machine.travel(timezone.now() + timedelta(days=121), tick=False):
        assert logins.flush() == 1
