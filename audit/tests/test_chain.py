"""The chain: what was changed, removed or put in between is found, whatever the database made of the rows meanwhile."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts.models import Team
from audit import append_only, chain
from audit.models import Entry, Seal
from audit.record import Actor, record
from executions.upkeep import reconcile

CHANGES = {
    "b": {"old": 0.1 + 0.2, "new": 1e16},
    "a": {"old": None, "new": {"z": [1, 2.0, -0.0, 1e-7], "ä": "日本\u2028'\"\\", "": True}},
    "options": {"old": 12345678901234567890, "new": [{"y": 1, "x": 2}]},
}


@pytest.fixture
def team(db: None) -> Team:
    return Team.objects.create(name="Ops")


def write(team: Team, count: int = 1, **values: Any) -> list[Entry]:
    return [record(Entry.Event.MODIFIED, team, by=Actor.system(), **values) for _ in range(count)]


def verify(*arguments: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    call_command("verify_audit", *arguments)
    return capsys.readouterr().out.splitlines()


def head_of(lines: list[str]) -> str:
    return lines[1].removeprefix("Head: ")


def test_what_is_hashed_is_the_same_before_and_after_the_database_had_it(team: Team) -> None:
    (entry,) = write(team, changes=CHANGES, snapshot={"timeout": 2.5, "n": 3.0}, description=" x ")
    assert chain.canonical(Entry.objects.get(pk=entry.pk)) == chain.canonical(entry)


def test_the_order_of_keys_and_the_way_a_whole_number_is_written_do_not_count(team: Team) -> None:
    one, other = (
        Entry(at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), changes=changes)
        for changes in ({"a": 1.0, "b": {"d": 2, "c": 3}}, {"b": {"c": 3.0, "d": 2}, "a": 1})
    )
    assert chain.canonical(one) == chain.canonical(other)
    assert chain.canonical(one) != chain.canonical(Entry(at=one.at + dt.timedelta(microseconds=1)))


def test_an_untouched_trail_is_told_with_its_length_and_head(
    team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    write(team, 3, changes=CHANGES)
    lines = verify(capsys=capsys)
    assert lines[0] == "3 entries, none changed or removed."
    assert head_of(lines) == Seal.objects.get(number=3).digest


def test_an_empty_trail_is_in_order(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(capsys=capsys) == ["0 entries, none changed or removed.", "Head: none yet"]


def test_whoever_reconciles_seals(team: Team) -> None:
    write(team, 2)
    reconcile.reconcile(dt.datetime.now(dt.UTC))
    assert list(Seal.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_sealing_twice_changes_nothing(team: Team) -> None:
    write(team, 2)
    assert (chain.seal(), chain.seal(), chain.seal(everything=True)) == (2, 0, 0)


def test_gaps_between_ids_are_no_gaps_in_the_chain(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    write(team)
    with transaction.atomic():
        write(team, 5)
        transaction.set_rollback(True)
    write(team)
    assert verify(capsys=capsys)[0] == "2 entries, none changed or removed."


def test_an_entry_that_is_committed_after_later_ones_comes_after_them(
    team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    early, late = write(team, 2)
    chain.seal()
    values = Entry.objects.filter(pk=late.pk).values().get() | {"id": early.pk - 1000}
    Entry.objects.bulk_create([Entry(**values)])
    assert chain.seal() == 1
    assert Seal.objects.get(number=3).entry_id == early.pk - 1000
    assert verify(capsys=capsys)[0].startswith("3 entries")


def test_one_that_came_very_late_is_found_by_the_look_at_everything(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "REACH", 2)
    first, *_rest = write(team, 6)
    chain.seal()
    values = Entry.objects.filter(pk=first.pk).values().get() | {"id": first.pk - 1}
    Entry.objects.bulk_create([Entry(**values)])
    assert chain.seal() == 0
    assert chain.seal(everything=True) == 1


def test_batches_make_one_chain(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 3)
    write(team, 8)
    assert chain.seal() == 8
    assert chain.verify().count == 8


# What an owner of the tables may do -------------------------------------------------------------------------------------


@pytest.fixture
def owner(transactional_db: None) -> Iterator[Any]:
    """`owner(sql)`: somebody who took the triggers away."""
    append_only.remove(connection)

    def execute(sql: str, *values: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)

    yield execute
    append_only.install(connection)


def sealed(count: int) -> list[Entry]:
    with transaction.atomic():
        entries = write(Team.objects.create(name="Ops"), count, changes=CHANGES)
    chain.seal()
    return entries


def complaint(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("verify_audit", *arguments)
    assert caught.value.returncode == 1
    return str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        "actor_name = 'ada'",
        "at = '2020-01-01 00:00:00'",
        "changes = '{}'",
        "address = '10.0.0.1'",
        "version = 7",
    ],
)
def test_a_changed_entry_is_named(owner: Any, change: str) -> None:
    _, entry, _ = sealed(3)
    owner(f"UPDATE audit_entry SET {change} WHERE id = %s", entry.pk)
    assert f"Entry {entry.pk} (number 2, " in complaint()


@pytest.mark.parametrize("change", ["at = 'x'", "object_uid = 'x'", "object_uid = 'x', at = 'x'"])
def test_an_entry_that_cannot_be_read_any_more_is_named(owner: Any, change: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("Other databases keep only what their columns are for.")
    entries = sealed(7)
    for entry in (entries[2], entries[5]):
        owner(f"UPDATE audit_entry SET {change} WHERE id = %s", entry.pk)
    assert complaint() == f"Entry {entries[2].pk} (number 3) or its seal was changed."


def test_a_removed_entry_is_named(owner: Any) -> None:
    _, entry, _ = sealed(3)
    owner("DELETE FROM audit_entry WHERE id = %s", entry.pk)
    assert complaint() == f"Entry {entry.pk} (number 2) was removed."


def test_an_entry_that_was_removed_with_its_seal_leaves_a_gap(owner: Any) -> None:
    _, entry, _ = sealed(3)
    owner("DELETE FROM audit_seal WHERE entry_id = %s", entry.pk)
    owner("DELETE FROM audit_entry WHERE id = %s", entry.pk)
    assert complaint() == "Number 2 of the chain is missing."


def test_the_newest_entries_cannot_be_removed_unseen_by_who_noted_the_head(
    owner: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    *_, entry = sealed(3)
    head = head_of(verify(capsys=capsys))
    owner("DELETE FROM audit_seal WHERE entry_id = %s", entry.pk)
    owner("DELETE FROM audit_entry WHERE id = %s", entry.pk)
    assert verify(capsys=capsys)[0].startswith("2 entries")
    assert "noted head" in complaint("--head", head)


def test_a_chain_that_was_written_anew_has_another_head(
    owner: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    entry, *_ = sealed(3)
    head = head_of(verify(capsys=capsys))
    owner("DELETE FROM audit_seal")
    owner("UPDATE audit_entry SET actor_name = 'ada' WHERE id = %s", entry.pk)
    assert verify(capsys=capsys)[0].startswith("3 entries")
    assert "noted head" in complaint("--head", head)


def test_a_head_that_was_noted_earlier_is_found_in_a_longer_chain(
    team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    write(team, 2)
    head = head_of(verify(capsys=capsys))
    write(team, 2)
    assert verify("--head", head, capsys=capsys)[2] == "The noted head is that of number 2."


def test_what_is_no_head_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="64 hexadecimal digits"):
        call_command("verify_audit", "--head", "x")


@pytest.mark.django_db(transaction=True)
def test_many_who_write_and_seal_at_once_make_one_chain() -> None:
    team = Team.objects.create(name="Ops")
    faults: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    write(team)
                chain.seal()
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert chain.verify().count == 40
