"""The role table decides, and nothing else does."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import BasePasswordHasher, get_hasher

from accounts import roles
from accounts.models import User
from conftest import PASSWORD


def test_each_role_has_the_permissions_of_the_next_and_more() -> None:
    assert roles.VIEWER < roles.USER < roles.ADMIN


def test_a_viewer_may_only_look(vic: User) -> None:
    assert all(".view_" in permission for permission in roles.permissions(vic))
    assert not vic.has_perm("jobs.add_job")


def test_a_user_may_write_jobs_but_administer_nobody(uma: User) -> None:
    assert uma.has_perm("jobs.add_job")
    assert not any(permission.startswith(("accounts.", "audit.")) for permission in roles.permissions(uma))


@pytest.mark.parametrize(("role", "expected"), [("admin", True), ("user", True), ("viewer", False)])
def test_the_right_to_run_code_is_for_those_who_may_write(db: None, role: str, expected: bool) -> None:
    user = User.objects.create_user("x", role=role, may_run_code=True)
    assert user.has_perm("jobs.run_code") is expected


def test_an_inactive_admin_may_nothing(ada: User) -> None:
    ada.is_active = False
    assert roles.permissions(ada) == frozenset()
    assert not ada.is_admin


def test_a_superuser_of_djangos_command_is_an_admin_and_no_more(db: None) -> None:
    user = User.objects.create_superuser("root", "root@example.com", PASSWORD)
    assert (user.role, user.is_staff, user.is_superuser) == ("admin", True, False)
    assert not user.has_perm("audit.delete_entry")


def test_a_demotion_takes_the_admin_pages_away_even_when_only_the_role_is_saved(ada: User) -> None:
    ada.role = User.Role.USER
    ada.save(update_fields=["role"])
    ada.refresh_from_db()
    assert not ada.is_staff


def test_a_name_is_found_before_an_address(db: None) -> None:
    named = User.objects.create_user("x@example.com", "other@example.com", PASSWORD)
    User.objects.create_user("y", "x@example.com", PASSWORD)
    assert User.objects.find("x@example.com") == named
    assert User.objects.find("") is None


@pytest.mark.parametrize("name", ["uma", "nobody"])
def test_an_unknown_name_costs_as_much_as_a_wrong_password(
    uma: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hashed: list[str] = []
    hasher = type(get_hasher())
    encode = hasher.encode

    def counted(self: BasePasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(hasher, "encode", counted)
    assert authenticate(username=name, password="wrong-horse") is None
    assert hashed == ["wrong-horse"]
