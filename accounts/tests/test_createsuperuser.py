"""`manage.py createsuperuser`: an administrator, with the rules for passwords and an entry in the trail."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.models import Entry
from conftest import PASSWORD

pytestmark = pytest.mark.django_db


def make(**options: object) -> None:
    call_command("createsuperuser", interactive=False, verbosity=0, **options)


def test_it_makes_an_administrator_and_leaves_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    make(username="una", email="una@example.com")
    user = User.objects.get(username="una")
    assert (user.is_admin, user.check_password(PASSWORD)) == (True, True)
    assert Entry.objects.get(object_name="una").surface == "command"


@pytest.mark.parametrize(
    ("username", "password", "reason"),
    [
        ("una", "123", "too short"),
        ("una", "password", "too common"),
        ("una", "una@example", "too similar"),
        ("una", "8402750193", "entirely numeric"),
        ("", PASSWORD, "--username"),
        ("ada", PASSWORD, "exists"),
    ],
)
def test_what_it_refuses_is_said_and_makes_nobody(
    monkeypatch: pytest.MonkeyPatch, ada: User, username: str, password: str, reason: str
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    with pytest.raises(CommandError, match=reason):
        make(username=username, email="una@example.com")
    assert list(User.objects.all()) == [ada]


def test_it_asks_for_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["una", "una@example.com"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(answers))
    monkeypatch.setattr("getpass.getpass", lambda *_prompt: PASSWORD)
    call_command("createsuperuser", verbosity=0)
    assert User.objects.get(username="una").email == "una@example.com"


def test_what_is_typed_must_keep_to_the_rules_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *_prompt: "password")
    with pytest.raises(CommandError, match="too common"):
        call_command("createsuperuser", username="una", email="una@example.com", verbosity=0)
    assert not User.objects.exists()
