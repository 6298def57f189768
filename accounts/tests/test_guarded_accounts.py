"""A stolen API token raises nobody, and a stolen login does not take the account over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.signin import api_tokens, json_web_tokens
from audit.record import Actor
from conftest import PASSWORD, Api

NEW = "a-longer-horse-10"


@pytest.fixture
def leaked(ada: User) -> str:
    """An administrator's API token in the wrong hands."""
    return api_tokens.create(ada, "leaked", read_only=False, expires_at=None, by=Actor.system())[1]


@pytest.fixture
def machine(leaked: str) -> APIClient:
    return bearer(leaked)


def bearer(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.mark.parametrize(
    "change",
    [{"role": "admin"}, {"is_active": True}, {"password": NEW}, {"email": "thief@example.com"}, {}],
    ids=str,
)
@pytest.mark.parametrize("whose", ["uma", "ada"])
def test_an_api_token_changes_no_account(
    machine: APIClient, uma: User, ada: User, change: dict[str, Any], whose: str
) -> None:
    before = list(User.objects.order_by("pk").values())
    user = {"uma": uma, "ada": ada}[whose]
    answer = machine.put(f"/api/v2/auth/users/{user.uid}", change, format="json")
    assert answer.status_code == 403
    assert "Log in instead" in answer.json()["message"]
    assert list(User.objects.order_by("pk").values()) == before


def test_an_api_token_makes_and_removes_no_account(machine: APIClient, uma: User) -> None:
    account = {"username": "new", "email": "new@example.com", "password": PASSWORD, "role": "admin"}
    assert machine.post("/api/v2/auth/register", account, format="json").status_code == 403
    assert machine.delete(f"/api/v2/auth/users/{uma.uid}").status_code == 403
    assert User.objects.count() == 2


def test_an_api_token_opens_no_other_door(leaked: str, machine: APIClient, uma: User) -> None:
    """Neither the dialects, which change accounts as well, nor the pages."""
    headers = {"Authorization": f"Bearer {leaked}"}
    client = Client()
    assert (
        client.put(
            f"/api/v1/users/{uma.pk}", {"is_admin": 1}, "application/json", headers=headers
        ).status_code
        == 401
    )
    body = {"username": "new", "password": PASSWORD, "is_admin": True}
    assert client.post("/create_user", body, "application/json", headers=headers).status_code == 401
    assert client.get("/admin/accounts/user/", headers=headers).status_code == 302
    assert machine.post("/api/v2/auth/tokens", {"name": "more"}, format="json").status_code == 403
    assert (User.objects.count(), ApiToken.objects.count()) == (2, 1)


# One's own password ------------------------------------------------------------------------------------------------------


def later(minutes: int) -> Any:
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False)


def put(client: APIClient, user: User, **body: Any) -> Any:
    return client.put(f"/api/v2/auth/users/{user.uid}", {"password": NEW} | body, format="json")


def test_a_login_of_the_last_minutes_stands_for_the_old_password(uma: User) -> None:
    """The documented request of the dialect, which has no field for it."""
    client = bearer(json_web_tokens.issue(uma)[0])
    with later(9):
        assert put(client, uma).json()["updated_fields"] == ["password"]


@pytest.mark.parametrize("renewed", [False, True])
def test_later_the_old_password_is_asked_for(uma: User, renewed: bool) -> None:
    access, refresh = json_web_tokens.issue(uma)
    with later(11):
        if renewed:
            access = bearer(refresh).post("/api/v2/auth/refresh").json()["access_token"]
        client = bearer(access)
        answer = put(client, uma)
        assert (answer.status_code, answer.json()["error"]) == (400, "Current password required")
        assert put(client, uma, current_password="wrong").json()["error"] == "Wrong current password"
        odd_values: tuple[Any, ...] = (7, "", [], {}, True)
        for odd in odd_values:
            assert put(client, uma, current_password=odd).status_code == 400
        uma.refresh_from_db()
        assert uma.check_password(PASSWORD)
        assert put(client, uma, current_password=PASSWORD).status_code == 200


def test_a_wrong_old_password_is_refused_even_after_a_login_and_counted(uma: User) -> None:
    client = bearer(json_web_tokens.issue(uma)[0])
    found = [put(client, uma, current_password=f"guess-{n}").status_code for n in range(12)]
    assert found == [400] * 10 + [429] * 2


def test_a_session_of_the_pages_always_names_it(uma: User, client: Client) -> None:
    client.force_login(uma)
    url = f"/api/v2/auth/users/{uma.uid}"
    assert client.put(url, {"password": NEW}, "application/json").status_code == 400
    body = {"password": NEW, "current_password": PASSWORD}
    assert client.put(url, body, "application/json").status_code == 200


def test_administrators_set_the_password_of_others_without_it(ada: User, uma: User, api: Api) -> None:
    client = api(ada)
    with later(30):
        assert put(client, uma).status_code == 200
        assert put(client, ada).status_code == 400


def test_v1_asks_for_it_alike(ada: User, uma: User) -> None:
    body = {"username": "ada", "password": PASSWORD}
    token = Client().post("/api/v1/auth/login", body, "application/json").json()["token"]

    def change(user: User, **more: Any) -> int:
        told = {"password": NEW, **more}
        headers = {"Authorization": f"Bearer {token}"}
        return Client().put(f"/api/v1/users/{user.pk}", told, "application/json", headers=headers).status_code

    with later(11):
        assert [change(uma), change(ada), change(ada, current_password="wrong")] == [200, 400, 400]
        ada.refresh_from_db()
        assert ada.check_password(PASSWORD)
        assert change(ada, current_password=PASSWORD) == 200


def test_v1_takes_the_documented_request_after_a_login(ada: User) -> None:
    body = {"username": "ada", "password": PASSWORD}
    token = Client().post("/api/v1/auth/login", body, "application/json").json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"/api/v1/users/{ada.pk}"
    assert Client().put(url, {"password": NEW}, "application/json", headers=headers).status_code == 200
