"""The trail: who did what, added to and never changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import RequestFactory

from accounts.models import Team, User
from audit.models import AppendOnlyError, Entry
from audit.record import Actor, difference, record


@pytest.fixture
def team(db: None) -> Team:
    return Team.objects.create(name="Ops")


def test_an_entry_says_who_what_when_and_from_where(ada: User, team: Team) -> None:
    by = Actor(ada, "api", "10.0.0.1", "op-7")
    changes = {"name": {"old": "Op", "new": "Ops"}}
    entry = record(Entry.Event.MODIFIED, team, by=by, changes=changes, description="renamed")
    entry.refresh_from_db()
    assert (entry.actor, entry.actor_name, entry.operator) == (ada, "ada", "op-7")
    assert (entry.surface, entry.address, entry.event) == ("api", "10.0.0.1", "modified")
    assert (entry.object_type, entry.object_id, entry.object_name) == ("team", team.pk, "Ops")
    assert (entry.changes, entry.description) == (changes, "renamed")
    assert entry.at.tzinfo is not None


def test_the_system_has_a_name_but_no_account(team: Team) -> None:
    entry = record(Entry.Event.ADDED, team, by=Actor.system())
    assert (entry.actor, entry.actor_name, entry.surface) == (None, "system", "system")


def test_dates_and_uuids_become_text(team: Team) -> None:
    changes = {
        "x": {"old": date(2026, 1, 2), "new": UUID(int=1)},
        "y": {"new": datetime(2026, 1, 2, tzinfo=UTC)},
    }
    entry = record(Entry.Event.MODIFIED, team, by=Actor.system(), changes=changes)
    assert entry.changes["x"] == {"old": "2026-01-02", "new": "00000000-0000-0000-0000-000000000001"}


def test_an_entry_outlives_its_object_and_its_actor(ada: User, team: Team) -> None:
    key = record(Entry.Event.ADDED, team, by=Actor(ada)).pk
    team.delete()
    ada.delete()
    entry = Entry.objects.get(pk=key)
    assert (entry.actor_name, entry.object_name) == ("ada", "Ops")


def test_overlong_names_are_cut_and_not_refused(team: Team) -> None:
    team.name = "x" * 500
    entry = record(Entry.Event.MODIFIED, team, by=Actor(None, operator="o" * 200), name="n" * 500)
    assert (len(entry.object_name), len(entry.actor_name), len(entry.operator)) == (255, 150, 150)


def test_an_entry_cannot_be_changed_or_removed(team: Team) -> None:
    entry = record(Entry.Event.ADDED, team, by=Actor.system())
    for attempt in (
        entry.save,
        entry.delete,
        Entry.objects.all().delete,
        lambda: Entry.objects.update(event="deleted"),
    ):
        with pytest.raises(AppendOnlyError):
            attempt()


@pytest.mark.django_db(transaction=True)
def test_an_entry_needs_the_transaction_of_its_change() -> None:
    team = Team.objects.create(name="Ops")
    with pytest.raises(RuntimeError, match="transaction"):
        record(Entry.Event.ADDED, team, by=Actor.system())


def test_an_entry_goes_with_its_change_when_that_is_rolled_back(team: Team) -> None:
    with transaction.atomic():
        record(Entry.Event.ADDED, team, by=Actor.system())
        transaction.set_rollback(True)
    assert not Entry.objects.exists()


def test_a_request_names_its_account_and_its_address(ada: User) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="2001:db8::1")
    request.user = ada
    assert Actor.request(request, "web") == Actor(ada, "web", "2001:db8::1")


@pytest.mark.parametrize("address", ["", "unix:", "999.1.1.1"])
def test_an_address_that_is_none_is_left_out(address: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.user = AnonymousUser()
    assert Actor.request(request, "web") == Actor(None, "web", None)


def test_the_difference_holds_only_what_differs() -> None:
    before, after = {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4}
    assert difference(before, after) == {
        "b": {"old": 2, "new": 5},
        "c": {"old": 3, "new": None},
        "d": {"old": None, "new": 4},
    }
