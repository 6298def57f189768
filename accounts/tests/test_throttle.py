"""Guessing passwords is slow, and using the right one never is."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client, RequestFactory, override_settings

from accounts import verbs
from accounts.models import User
from accounts.signin import devices
from audit.models import Entry
from audit.record import Actor
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


def statuses(api: Api, name: str, times: int, address: str = "10.0.0.1") -> list[int]:
    return [attempt(api, name, address=address).status_code for _ in range(times)]


@pytest.mark.parametrize("name", ["uma", "nobody"])
def test_after_ten_wrong_passwords_each_further_one_waits_twice_as_long(
    api: Api, uma: User, noon: Any, name: str
) -> None:
    assert statuses(api, name, 12) == [401] * 10 + [429] * 2
    answer = attempt(api, name)
    assert (answer["Retry-After"], "2 seconds" in answer.json()["detail"]) == ("2", True)
    for wait in (2, 4, 8, 16):
        assert attempt(api, name)["Retry-After"] == str(wait)
        noon.shift(wait)
        assert attempt(api, name).status_code == 401


def test_tries_that_are_kept_out_make_the_wait_no_longer(api: Api, uma: User) -> None:
    statuses(api, "uma", 200)
    assert attempt(api, "uma")["Retry-After"] == "2"


def test_an_attack_from_elsewhere_locks_nobody_out_of_his_account(api: Api, uma: User) -> None:
    """From an address or with a device that the account knows, its owner comes in while others guess from everywhere."""
    at_home = attempt(api, "uma", PASSWORD, address="10.1.0.1")
    for number in range(200):
        attempt(api, "uma", address=f"10.0.{number}.1")
    assert attempt(api, "uma", PASSWORD, address="10.2.0.1").status_code == 429
    assert attempt(api, "uma", PASSWORD, address="10.1.0.1").status_code == 200
    elsewhere = api()
    elsewhere.cookies[devices.COOKIE] = at_home.cookies[devices.COOKIE].value
    body = {"username": "uma", "password": PASSWORD}
    assert (
        elsewhere.post("/api/v2/auth/login", body, format="json", REMOTE_ADDR="10.2.0.1").status_code == 200
    )


def test_behind_one_address_a_known_device_comes_in_while_its_neighbours_guess(api: Api, uma: User) -> None:
    known = attempt(api, "uma", PASSWORD).cookies[devices.COOKIE].value
    statuses(api, "uma", 40)
    assert attempt(api, "uma", PASSWORD).status_code == 429
    client = api()
    client.cookies[devices.COOKIE] = known
    body = {"username": "uma", "password": PASSWORD}
    assert client.post("/api/v2/auth/login", body, format="json", REMOTE_ADDR="10.0.0.1").status_code == 200


def test_a_known_device_guesses_no_faster_than_others(api: Api, uma: User) -> None:
    client = api()
    client.cookies[devices.COOKIE] = attempt(api, "uma", PASSWORD).cookies[devices.COOKIE].value
    body = {"username": "uma", "password": "wrong-horse"}
    found = [client.post("/api/v2/auth/login", body, format="json").status_code for _ in range(12)]
    assert found == [401] * 10 + [429] * 2


def test_the_device_of_one_account_is_not_known_to_another_nor_after_a_new_password(
    api: Api, uma: User, vic: User
) -> None:
    cookie = attempt(api, "vic", PASSWORD).cookies[devices.COOKIE].value
    request = RequestFactory().get("/")
    request.COOKIES[devices.COOKIE] = cookie
    assert devices.known(request, vic)
    assert not devices.known(request, uma)
    assert not devices.known(request, verbs.update(vic, {"password": "another-horse"}, by=Actor.system()))
    request.COOKIES[devices.COOKIE] = cookie[:-1] + ("A" if cookie[-1] != "A" else "B")
    assert not devices.known(request, vic)


def test_guesses_from_many_addresses_are_slowed_down(api: Api, uma: User) -> None:
    found = [attempt(api, "uma", address=f"10.0.{number}.1").status_code for number in range(60)]
    assert found == [401] * 51 + [429] * 9


def test_one_network_of_ipv6_counts_as_one_address(api: Api, uma: User) -> None:
    found = [attempt(api, "uma", address=f"2001:db8::{number}").status_code for number in range(1, 13)]
    assert found == [401] * 10 + [429] * 2


DOORS: dict[str, tuple[str, str, bool]] = {
    "page": ("/login", "", False),
    "api": ("/api/v2/auth/login", "application/json", True),
    "form": ("/api/v2/auth/login/form", "application/x-www-form-urlencoded", False),
    "v1": ("/api/v1/auth/login", "application/json", True),
    "conda": ("/login", "application/json", True),
}


def knock(door: str, password: str) -> Any:
    path, kind, is_json = DOORS[door]
    data: Any = {"username": "uma", "password": password}
    if kind and not is_json:
        data = urlencode(data)
    return Client().post(path, data, content_type=kind) if kind else Client().post(path, data)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_counts_together_and_remembers_the_device(uma: User, door: str) -> None:
    assert knock(door, PASSWORD).cookies[devices.COOKIE]["httponly"]
    others = [one for one in DOORS if one != door] * 3
    for one in others[:10]:
        knock(one, "wrong-horse")
    answer = knock(door, PASSWORD)
    assert (answer.status_code, answer["Retry-After"]) == (429, "2")


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
    noon.shift(2)
    assert attempt(api, "uma", PASSWORD).status_code == 200


def test_others_log_in_while_one_name_is_attacked(api: Api, uma: User, vic: User) -> None:
    for _ in range(11):
        attempt(api, "uma")
    assert attempt(api, "vic", PASSWORD).status_code == 200


def test_one_address_may_fail_thirty_times_a_minute(api: Api, uma: User) -> None:
    answers = [attempt(api, f"name-{n}").status_code for n in range(31)]
    answers += [attempt(api, f"more-{n}").status_code for n in range(1)]
    assert answers == [401] * 31 + [429]
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
    answer = client.post("/login", form, REMOTE_ADDR="10.0.0.1")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "2"
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
    with caplog.at_level(logging.WARNING, logger="accounts.signin.throttle"):
        assert attempt(api, "uma", PASSWORD).status_code == 200
        assert [attempt(api, "uma").status_code for _ in range(11)] == [401] * 10 + [429]
    assert [record.message for record in caplog.records] == ["cache_unreachable"]
