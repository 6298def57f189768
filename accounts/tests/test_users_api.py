"""Accounts through the API: register, list, read, change and delete."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from audit.models import Entry
from conftest import PASSWORD, Api

USERS = "/api/v2/auth/users"
REGISTER = "/api/v2/auth/register"
NEW = {"username": "Una", "email": "Una@Example.com", "password": "secret-1", "role": "user"}
KEYS = {"id", "username", "email", "role", "is_active", "created_at", "updated_at"}
NO_ONE = "00000000-0000-0000-0000-000000000000"
ODD_IDS = [NO_ONE, "1", "x", "%00", "%ff", "a" * 500, f"{{{NO_ONE}}}"]


def url(user: User) -> str:
    return f"{USERS}/{user.uid}"


# Roles


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("post", REGISTER, {"": 401, "vic": 403, "uma": 403, "ada": 201}),
        ("get", USERS, {"": 401, "vic": 403, "uma": 403, "ada": 200}),
        ("head", USERS, {"": 401, "vic": 403, "uma": 403, "ada": 200}),
        ("get", "other", {"": 401, "vic": 403, "uma": 403, "ada": 200}),
        ("put", "other", {"": 401, "vic": 403, "uma": 403, "ada": 200}),
        ("delete", "other", {"": 401, "vic": 403, "uma": 403, "ada": 200}),
        ("get", "self", {"vic": 200, "uma": 200, "ada": 200}),
        ("put", "self", {"vic": 200, "uma": 200, "ada": 200}),
        ("delete", "self", {"vic": 403, "uma": 403, "ada": 400}),
        ("get", "/api/v2/auth/me", {"": 401, "vic": 200, "uma": 200, "ada": 200}),
        ("get", "/api/v2/auth/verify", {"": 401, "vic": 200, "uma": 200, "ada": 200}),
        ("post", "/api/v2/auth/logout", {"": 401, "vic": 200, "uma": 200, "ada": 200}),
    ],
)
def test_every_role_may_do_what_the_table_says_and_no_more(
    api: Api, ada: User, uma: User, vic: User, method: str, path: str, statuses: dict[str, int]
) -> None:
    other = User.objects.create_user("other", "other@example.com", PASSWORD)
    people = {"": None, "vic": vic, "uma": uma, "ada": ada}
    for name, expected in statuses.items():
        target = {"other": url(other), "self": url(people[name] or other)}.get(path, path)
        body = {"put": {"email": f"new-{name}@example.com"}, "post": NEW}.get(method)
        answer = getattr(api(people[name]), method)(target, body, format="json")
        assert answer.status_code == expected, (name, answer.content)


def test_a_role_refusal_comes_before_the_body_is_read(api: Api, uma: User) -> None:
    answer = api(uma).post(REGISTER, "rubbish", content_type="text/plain")
    assert answer.status_code == 403
    assert answer.json() == {"detail": "Admin access required"}


# Register


def test_an_admin_registers_a_user(api: Api, ada: User) -> None:
    answer = api(ada).post(REGISTER, NEW, format="json")
    body = answer.json()
    user = User.objects.get(username="una")
    assert answer.status_code == 201
    assert (body["success"], body["message"]) == (True, "User registered successfully")
    assert set(body["user"]) == KEYS
    assert (user.email, user.role, user.is_active) == ("una@example.com", "user", True)
    assert user.check_password("secret-1")
    assert user.created_by == ada


def test_a_user_is_a_viewer_unless_said_otherwise(api: Api, ada: User) -> None:
    body = {key: value for key, value in NEW.items() if key != "role"} | {"is_active": False}
    user = api(ada).post(REGISTER, body, format="json").json()["user"]
    assert (user["role"], user["is_active"]) == ("viewer", False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": None}, "username"),
        ({"username": "ab"}, "username"),
        ({"username": "a" * 81}, "username"),
        ({"username": "una b"}, "username"),
        ({"username": "ünä"}, "username"),
        ({"username": "una\n"}, None),
        ({"username": ["una"]}, "username"),
        ({"email": None}, "email"),
        ({"email": "no address"}, "email"),
        ({"email": f"{'a' * 300}@example.com"}, "email"),
        ({"email": 5}, "email"),
        ({"password": None}, "password"),
        ({"password": "12345"}, "password"),
        ({"password": "       "}, "password"),
        ({"password": 1234567}, "password"),
        ({"password": "x" * 2000}, "password"),
        ({"role": "root"}, "role"),
        ({"role": ["admin"]}, "role"),
        ({"is_active": "yes"}, "is_active"),
    ],
)
def test_a_bad_field_is_400_and_named(
    api: Api, ada: User, changes: dict[str, Any], field: str | None
) -> None:
    answer = api(ada).post(REGISTER, NEW | changes, format="json")
    if field is None:
        assert answer.status_code == 201
        return
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]
    assert User.objects.count() == 1
    assert not Entry.objects.exists()


def test_all_missing_fields_are_named_at_once(api: Api, ada: User) -> None:
    answer = api(ada).post(REGISTER, {}, format="json")
    assert set(answer.json()["fields"]) == {"username", "email", "password"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"username": "UMA"}, "Username already exists"),
        ({"email": "UMA@example.com"}, "Email already exists"),
    ],
)
def test_a_taken_name_or_address_is_409(
    api: Api, ada: User, uma: User, changes: dict[str, str], text: str
) -> None:
    answer = api(ada).post(REGISTER, NEW | changes, format="json")
    assert answer.status_code == 409
    assert answer.json() == {"detail": text}
    assert not Entry.objects.exists()


def test_what_a_client_may_not_set_is_ignored(api: Api, ada: User) -> None:
    body = NEW | {"id": NO_ONE, "is_superuser": True, "is_staff": True, "may_run_code": True, "uid": NO_ONE}
    api(ada).post(REGISTER, body, format="json")
    user = User.objects.get(username="una")
    assert (user.is_superuser, user.is_staff, user.may_run_code) == (False, False, False)
    assert str(user.uid) != NO_ONE


# Read


def test_the_list_counts_and_shows_everybody(api: Api, ada: User, uma: User, vic: User) -> None:
    body = api(ada).get(USERS).json()
    assert body["count"] == 3
    assert {user["username"] for user in body["users"]} == {"ada", "uma", "vic"}
    assert all(set(user) == KEYS for user in body["users"])


def test_me_and_verify_speak_of_the_account_itself(api: Api, uma: User) -> None:
    assert api(uma).get("/api/auth/me").json()["user"]["id"] == str(uma.uid)
    body = api(uma).get("/api/auth/verify").json()
    assert {**body, "message": ""} == {
        "valid": True,
        "user_id": str(uma.uid),
        "username": "uma",
        "role": "user",
        "message": "",
    }


def test_a_foreign_profile_is_forbidden_whether_it_exists_or_not(api: Api, ada: User, uma: User) -> None:
    for target in (url(ada), f"{USERS}/{NO_ONE}", f"{USERS}/x"):
        answer = api(uma).get(target)
        assert answer.status_code == 403
        assert answer.json() == {"error": "Forbidden. You can only view your own profile."}
        answer = api(uma).put(target, {"email": "x@example.com"}, format="json")
        assert answer.json() == {"error": "Forbidden. You can only update your own profile."}


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_unknown_or_malformed_id_is_404(api: Api, ada: User, odd: str) -> None:
    for method in ("get", "put", "delete"):
        answer = getattr(api(ada), method)(f"{USERS}/{odd}", {"email": "x@example.com"}, format="json")
        assert answer.status_code == 404


# Change


def test_everybody_changes_his_own_address_and_password(api: Api, vic: User) -> None:
    body = {"email": " New@Example.com ", "password": "new-secret"}
    answer = api(vic).put(url(vic), body, format="json").json()
    vic.refresh_from_db()
    assert answer["message"] == "User updated successfully"
    assert answer["updated_fields"] == ["email", "password"]
    assert answer["user"]["email"] == vic.email == "new@example.com"
    assert vic.check_password("new-secret")


def test_an_admin_changes_role_and_activity(api: Api, ada: User, uma: User) -> None:
    answer = api(ada).put(url(uma), {"role": "admin", "is_active": False}, format="json").json()
    assert answer["updated_fields"] == ["role", "is_active"]
    assert (answer["user"]["role"], answer["user"]["is_active"]) == ("admin", False)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"role": "admin"}, 403, "Only admins can change user roles"),
        ({"is_active": True}, 403, "Only admins can change user active status"),
        ({"password": "12345"}, 400, "Password must be at least 6 characters long"),
        ({"password": 1234567}, 400, "Password must be at least 6 characters long"),
        ({"email": "ada@example.com"}, 409, "Email already exists"),
        ({"email": "ADA@example.com"}, 409, "Email already exists"),
        ({"email": "rubbish"}, 400, "Invalid email"),
        ({"email": {"a": 1}}, 400, "Invalid email"),
        ({"email": []}, 400, "Invalid email"),
        ({"password": 0}, 400, "Password must be at least 6 characters long"),
        ({}, 400, "No valid fields to update"),
        ({"username": "boss", "uid": NO_ONE}, 400, "No valid fields to update"),
        ({"email": "", "password": ""}, 400, "No valid fields to update"),
        ({"email": None, "password": None}, 400, "No valid fields to update"),
        ({"email": "fine@example.com", "role": "admin"}, 403, "Only admins can change user roles"),
    ],
)
def test_a_refused_change_changes_nothing(
    api: Api, ada: User, uma: User, body: dict[str, Any], status: int, error: str
) -> None:
    before = User.objects.values().get(pk=uma.pk)
    answer = api(uma).put(url(uma), body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert User.objects.values().get(pk=uma.pk) == before
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("body", "error"), [({"role": "root"}, "Invalid role"), ({"is_active": "no"}, "Invalid is_active")]
)
def test_an_admin_cannot_set_rubbish_either(
    api: Api, ada: User, uma: User, body: dict[str, Any], error: str
) -> None:
    answer = api(ada).put(url(uma), body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_the_content_type_is_tested_before_the_ownership(api: Api, ada: User, uma: User) -> None:
    answer = api(uma).put(url(ada), "x", content_type="text/plain")
    assert answer.status_code == 400
    assert answer.json() == {"error": "Content-Type must be application/json"}


def test_an_admin_may_demote_himself_while_another_remains(api: Api, ada: User, uma: User) -> None:
    api(ada).put(url(uma), {"role": "admin"}, format="json")
    assert api(ada).put(url(ada), {"role": "viewer"}, format="json").status_code == 200
    assert api(ada).get(USERS).status_code == 403


@pytest.mark.parametrize("body", [{"role": "user"}, {"is_active": False}])
def test_the_last_active_admin_stays(api: Api, ada: User, body: dict[str, Any]) -> None:
    User.objects.create_user("amy", "amy@example.com", PASSWORD, role="admin", is_active=False)
    answer = api(ada).put(url(ada), body, format="json")
    assert answer.status_code == 409
    assert answer.json()["message"] == "At least one active admin must remain."
    ada.refresh_from_db()
    assert ada.is_admin


# Delete


def test_an_admin_deletes_a_user(api: Api, ada: User, uma: User) -> None:
    answer = api(ada).delete(url(uma))
    assert answer.json() == {
        "message": "User deleted successfully",
        "deleted_user": {"id": str(uma.uid), "username": "uma"},
    }
    assert not User.objects.filter(username="uma").exists()
    assert api(ada).delete(url(uma)).status_code == 404


def test_nobody_deletes_himself(api: Api, ada: User) -> None:
    answer = api(ada).delete(url(ada))
    assert answer.status_code == 400
    assert answer.json() == {"error": "Cannot delete your own account"}


# The trail


def test_every_change_leaves_one_entry_without_the_password(api: Api, ada: User) -> None:
    client = api(ada)
    user = client.post(REGISTER, NEW, format="json").json()["user"]
    target = f"{USERS}/{user['id']}"
    client.put(target, {"role": "admin"}, format="json")
    client.put(target, {"password": "secret-2"}, format="json")
    client.put(target, {"email": "una2@example.com", "password": "secret-3"}, format="json")
    client.put(target, {"email": "una2@example.com"}, format="json")
    client.delete(target)
    entries = list(Entry.objects.order_by("id"))
    assert [entry.event for entry in entries] == [
        "added",
        "modified",
        "password_changed",
        "modified",
        "deleted",
    ]
    assert {(entry.actor_name, entry.surface, entry.object_name) for entry in entries} == {
        ("ada", "api", "una")
    }
    assert entries[1].changes == {"role": {"old": "user", "new": "admin"}}
    assert set(entries[3].changes) == {"email", "password"}
    assert "secret" not in str([entry.changes for entry in entries])
