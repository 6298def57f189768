"""A fresh installation gets an admin and categories; a used one keeps what it has."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from accounts import verbs
from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from scheduler_site.management.commands import up
from scheduler_site.running import startup


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    for name in ("USERNAME", "PASSWORD", "EMAIL"):
        monkeypatch.delenv(f"DEFAULT_ADMIN_{name}", raising=False)


@pytest.fixture(autouse=True)
def _allowed() -> object:
    with override_settings(ALLOW_DEFAULT_ADMIN=True):
        yield


def test_the_default_admin_is_made_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("ensure_admin")
    call_command("ensure_admin")
    admin = User.objects.get()
    assert (admin.username, admin.email, admin.role) == ("admin", "admin@example.com", "admin")
    assert admin.check_password("admin123")
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert list(Entry.objects.values_list("event", "surface")) == [("added", "system")]


def test_the_environment_names_the_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_ADMIN_USERNAME", "boss")
    monkeypatch.setenv("DEFAULT_ADMIN_PASSWORD", "a-real-secret")
    monkeypatch.setenv("DEFAULT_ADMIN_EMAIL", "boss@example.com")
    call_command("ensure_admin")
    admin = User.objects.get()
    assert (admin.username, admin.email) == ("boss", "boss@example.com")
    assert admin.check_password("a-real-secret")
    assert not admin.must_change_password
    assert not verbs.default_password_in_use()


@override_settings(ALLOW_DEFAULT_ADMIN=False)
def test_where_it_is_not_allowed_none_is_made() -> None:
    call_command("ensure_admin")
    assert not User.objects.exists()


def test_an_inactive_admin_counts_as_none() -> None:
    User.objects.create_user("old", role="admin", is_active=False)
    call_command("ensure_admin")
    assert User.objects.active_admins().get().username == "admin"


def test_a_taken_name_is_reported_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_user("admin", role="viewer")
    call_command("ensure_admin")
    assert "Username already exists" in capsys.readouterr().out
    assert User.objects.get().role == "viewer"


def test_a_name_that_is_none_is_an_error_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_ADMIN_EMAIL", "rubbish")
    with pytest.raises(CommandError, match="Cannot make the default admin"):
        call_command("ensure_admin")


@pytest.mark.parametrize("password", ["short", "password", "admin@example"])
def test_a_password_that_breaks_the_rules_makes_no_admin(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("DEFAULT_ADMIN_PASSWORD", password)
    with pytest.raises(CommandError, match=r"DEFAULT_ADMIN_\*: .*password"):
        call_command("ensure_admin")
    assert not User.objects.exists()


def test_the_known_password_is_reported_until_it_is_changed() -> None:
    call_command("ensure_admin")
    assert verbs.default_password_in_use()
    verbs.update(User.objects.get(), {"password": "a-real-secret"}, by=Actor.system())
    assert not verbs.default_password_in_use()


def test_the_categories_of_the_native_api_exist() -> None:
    assert set(Category.objects.values_list("slug", flat=True)) == {
        "general",
        "regression",
        "dr-testing",
        "feature-testing",
        "prod-canary",
        "refund",
        "backward-compatibility",
    }
    assert Category.objects.get(slug="prod-canary").name == "Prod/Canary"


def test_a_first_start_says_in_a_line_why_it_makes_no_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_ADMIN_PASSWORD", "password")
    monkeypatch.setattr(startup, "migrate", lambda: False)
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)
    with pytest.raises(startup.CannotStart, match="too common"):
        list(up.prepare_database())
