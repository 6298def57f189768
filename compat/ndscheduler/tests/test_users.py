"""`/users`: accounts, and the rights that the two flags give."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts import roles
from accounts.models import Category, User
from audit.models import Entry

from .conftest import V1, Speak, told

NEW = {"username": "新用戶名稱", "password": "密碼", "category_id": 0}


def made(client: V1, **values: Any) -> User:
    answer = client.ask("POST", "/users", NEW | values)
    assert answer.status_code == 201, answer.content
    return User.objects.get(pk=json.loads(answer.content)["id"])


def test_an_account(ada: User, ops: Category, v1: Speak) -> None:
    client = v1(ada)
    user = made(client, category_id=str(ops.pk), is_permission=True)
    seen = client.get(f"/users/{user.pk}")
    stamps = {name: seen[name] for name in ("created_at", "updated_at")}
    assert (
        seen
        == {
            "id": user.pk,
            "username": "新用戶名稱",
            "category_id": ops.pk,
            "is_admin": False,
            "is_permission": True,
        }
        | stamps
    )
    assert all(stamp.endswith("Z") for stamp in stamps.values())
    assert seen in client.get("/users")["users"]
    assert "密碼" not in json.dumps(client.get("/users"), ensure_ascii=False)


def test_accounts_are_sorted_by_name(ada: User, v1: Speak) -> None:
    client = v1(ada)
    for name in ("zoe", "bob"):
        made(client, username=name)
    assert [user["username"] for user in client.get("/users")["users"]] == ["ada", "bob", "zoe"]


@pytest.mark.parametrize(
    ("flags", "role", "code"),
    [
        ({}, "viewer", False),
        ({"is_admin": False, "is_permission": False}, "viewer", False),
        ({"is_permission": True}, "user", True),
        ({"is_permission": 1}, "user", True),
        ({"is_admin": True}, "admin", True),
        ({"is_admin": True, "is_permission": True}, "admin", True),
    ],
)
def test_the_two_flags_make_the_role(
    ada: User, v1: Speak, flags: dict[str, Any], role: str, code: bool
) -> None:
    user = made(v1(ada), **flags)
    assert (user.role, user.edit_scope) == (role, "category")
    assert ("jobs.run_code" in roles.permissions(user)) is code
    login = V1().ask("POST", "/auth/login", {"username": user.username, "password": "密碼"})
    assert login.status_code == 200


def test_who_may_change_jobs_makes_and_runs_them(ada: User, ops: Category, v1: Speak) -> None:
    client = v1(made(v1(ada), category_id=ops.pk, is_permission=True))
    job_id = client.add()
    assert client.get(f"/jobs/{job_id}")["category_id"] == ops.pk
    assert client.ask("POST", f"/executions/{job_id}").status_code == 200


@pytest.mark.parametrize(
    "values",
    [
        {"username": "other"},
        {"category_id": "0"},
        {"is_admin": True},
        {"is_permission": True},
        {"password": "new one"},
    ],
    ids=str,
)
def test_any_field_may_be_changed_alone(ada: User, ops: Category, v1: Speak, values: dict[str, Any]) -> None:
    client = v1(ada)
    user = made(client, category_id=ops.pk)
    answer = client.ask("PUT", f"/users/{user.pk}", values)
    assert (answer.status_code, json.loads(answer.content)) == (200, {"id": user.pk})
    seen = client.get(f"/users/{user.pk}")
    for field, value in values.items():
        if field == "password":
            body = {"username": user.username, "password": value}
            assert V1().ask("POST", "/auth/login", body).status_code == 200
        else:
            assert seen[field] == (int(value) if field == "category_id" else value)


def test_an_account_keeps_its_finer_rights_as_long_as_its_role_stays(ada: User, uma: User, v1: Speak) -> None:
    client = v1(ada)
    client.ask("PUT", f"/users/{uma.pk}", {"is_permission": True, "username": "ulla"})
    uma.refresh_from_db()
    assert (uma.role, uma.edit_scope, uma.may_run_code) == ("user", "own", False)
    client.ask("PUT", f"/users/{uma.pk}", {"is_permission": False})
    client.ask("PUT", f"/users/{uma.pk}", {"is_permission": True})
    uma.refresh_from_db()
    assert (uma.role, uma.edit_scope, uma.may_run_code) == ("user", "category", True)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"username": 5}, "username"),
        ({"username": "x" * 51}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "ada"}, "Username already exists"),
        ({"password": ["x"]}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"category_id": 999}, "category_id"),
        ({"category_id": "x"}, "category_id"),
        ({"category_id": True}, "category_id"),
        ({"category_id": 1.5}, "category_id"),
        ({"category_id": [1]}, "category_id"),
        ({"category_id": "9" * 40}, "category_id"),
        ({"is_admin": "yes"}, "is_admin"),
        ({"is_permission": 2}, "is_permission"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_bad_accounts_are_refused_and_change_nothing(
    ada: User, v1: Speak, method: str, changes: dict[str, Any], text: str
) -> None:
    client = v1(ada)
    user = made(client)
    before, entries = client.get("/users"), Entry.objects.count()
    body = NEW | {"username": "other"} | changes if method == "POST" else changes
    status, error = told(client.ask(method, "/users" if method == "POST" else f"/users/{user.pk}", body))
    assert status == 400, (body, error)
    assert text in error or text == "username"
    assert (client.get("/users"), Entry.objects.count()) == (before, entries)


@pytest.mark.parametrize("field", ["username", "password", "category_id"])
def test_name_password_and_category_are_required(ada: User, v1: Speak, field: str) -> None:
    for value in (None, ""):
        answer = v1(ada).ask("POST", "/users", NEW | {field: value})
        assert told(answer) == (400, f"Require this parameter: {field}")
    assert User.objects.count() == 1


def test_a_change_of_nothing_is_refused(ada: User, v1: Speak) -> None:
    for body in ({}, {"unknown": 1}, {"username": None}):
        assert told(v1(ada).ask("PUT", f"/users/{ada.pk}", body))[0] == 400


@pytest.mark.parametrize("key", ["999", "0", "x", "-1", "9" * 30, "a" * 300])
def test_an_unknown_id_is_400_for_everybody(ada: User, rita: User, v1: Speak, key: str) -> None:
    assert told(v1(rita).ask("GET", f"/users/{key}")) == (400, f"User not found: {key}")
    for method in ("GET", "PUT", "DELETE"):
        assert told(v1(ada).ask(method, f"/users/{key}", {"is_admin": True}))[0] == 400


@pytest.mark.parametrize("key", ["{}%0A", "%20{}", "{}%20"])
def test_an_id_has_digits_only(ada: User, v1: Speak, key: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = v1(ada).ask(method, f"/users/{key.format(ada.pk)}", {"username": "eve"})
        assert told(answer)[0] == 400
    assert User.objects.get().username == "ada"


def test_a_deleted_account_is_gone(ada: User, uma: User, v1: Speak) -> None:
    key = uma.pk
    answer = v1(ada).ask("DELETE", f"/users/{key}")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"id": key})
    assert not User.objects.filter(pk=key).exists()


def test_the_last_administrator_stays(ada: User, v1: Speak) -> None:
    client = v1(ada)
    assert told(client.ask("DELETE", f"/users/{ada.pk}"))[0] == 400
    assert told(client.ask("PUT", f"/users/{ada.pk}", {"is_admin": False}))[0] == 400
    ada.refresh_from_db()
    assert ada.is_admin


def test_everybody_sees_itself_and_administrators_the_others(
    ada: User, olli: User, rita: User, v1: Speak
) -> None:
    for user in (olli, rita):
        client = v1(user)
        assert client.get("/users/current") == client.get(f"/users/{user.pk}")
        calls = [("GET", f"/users/{ada.pk}"), ("GET", "/users"), ("POST", "/users")]
        calls += [("PUT", f"/users/{user.pk}"), ("DELETE", f"/users/{ada.pk}")]
        for method, path in calls:
            assert told(client.ask(method, path, NEW | {"is_admin": True})) == (403, "Permission denied")
    assert User.objects.filter(role="admin").count() == 1
    assert User.objects.count() == 3
