"""Guessing passwords is slow, and using the right one never is."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client, override_settings

from accounts.models import User
from audit.models import Entry
from conftest import PASSWORD, Api

NOON = datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)
DEAD = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "unix:///nonexistent/redis.sock",
    }
}


def attempt(api: Api, name: str, password: str = "wrong-horse", address: str = "10.0.0.1") -> Any:
    body = {"username": name, "password": password}
    return api().post("/api/v2/auth/login", body, format="json", REMOTE_ADDR=address)


@pytest.fixture(autouse=True)
def noon() -> Any:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.mark.parametrize("name", ["uma", "nobody"])
def test_the_eleventh_wrong_password_in_a_minute_is_429(api: Api, uma: User, name: str) -> None:
    answers = [attempt(api, name, address=f"10.0.0.{n}").status_code for n in range(12)]
    assert answers == [401] * 10 + [429] * 2
    answer = attempt(api, name)
    assert answer["Retry-After"] == "50"
    assert "50 seconds" in answer.json()["detail"]


def test_the_name_and_the_address_of_an_account_count_together(api: Api, uma: User) -> None:
    for _ in range(5):
        attempt(api, "uma")
        attempt(api, "uma@example.com")
    assert attempt(api, "uma").status_code == 429


def test_while_throttled_even_the_right_password_waits_but_not_for_long(
    api: Api, uma: User, noon: Any
) -> None:
    for _ in range(11):
        attempt(api, "uma")
    assert attempt(api, "uma", PASSWORD).status_code == 429
    noon.shift(60)
    assert attempt(api, "uma", PASSWORD).status_code == 200


def test_others_log_in_while_one_name_is_attacked(api: Api, uma: User, vic: User) -> None:
    for _ in range(11):
        attempt(api, "uma")
    assert attempt(api, "vic", PASSWORD).status_code == 200


def test_one_address_may_fail_thirty_times_a_minute(api: Api, uma: User) -> None:
    answers = [attempt(api, f"name-{n}").status_code for n in range(31)]
    assert answers == [401] * 30 + [429]
    assert attempt(api, "uma", PASSWORD).status_code == 429
    assert attempt(api, "uma", PASSWORD, address="10.0.0.2").status_code == 200


def test_right_passwords_do_not_count(api: Api, uma: User) -> None:
    assert {attempt(api, "uma", PASSWORD).status_code for _ in range(40)} == {200}


def test_throttled_attempts_leave_no_entries(api: Api, uma: User) -> None:
    for _ in range(20):
        attempt(api, "uma")
    assert Entry.objects.count() == 10


def test_the_login_page_and_the_api_count_together(api: Api, uma: User, client: Client) -> None:
    form = {"username": "uma", "password": "wrong-horse"}
    for _ in range(10):
        attempt(api, "uma")
    answer = client.post("/login", form)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "50"
    assert "Too many attempts" in answer.content.decode()


def test_the_password_page_counts_guesses_of_the_current_password(uma: User, client: Client) -> None:
    client.force_login(uma)
    form = {"old_password": "guess", "new_password1": "next-horse-9", "new_password2": "next-horse-9"}
    assert [client.post("/password", form).status_code for _ in range(11)] == [200] * 10 + [429]
    form["old_password"] = PASSWORD
    assert client.post("/password", form).status_code == 429


@override_settings(CACHES=DEAD)
def test_without_the_shared_cache_logins_work_and_are_still_counted(
    api: Api, uma: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="accounts.throttle"):
        assert attempt(api, "uma", PASSWORD).status_code == 200
        assert [attempt(api, "uma").status_code for _ in range(11)] == [401] * 10 + [429]
    assert [record.message for record in caplog.records] == ["cache_unreachable"]
