"""Nobody changes or removes an entry: not by the models, not by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import checks
from django.core.checks import Tags
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import Team, User
from audit import append_only, chain
from audit.models import AppendOnlyError, Entry, Seal
from audit.record import Actor, record

VENDOR = connection.vendor
STATEMENTS = [
    "UPDATE audit_entry SET actor_name = 'somebody else'",
    "UPDATE audit_entry SET description = 'x' WHERE 1 = 1",
    "DELETE FROM audit_entry",
    "UPDATE audit_seal SET digest = 'x'",
    "DELETE FROM audit_seal",
]
OWN: dict[str, list[str]] = {
    "postgresql": ["TRUNCATE audit_entry, audit_seal", "TRUNCATE audit_seal"],
    "mysql": [
        "REPLACE INTO audit_seal (number, entry_id, digest) SELECT number, entry_id, 'x' FROM audit_seal"
    ],
    "sqlite": [
        "INSERT OR REPLACE INTO audit_seal (number, entry_id, digest) SELECT number, entry_id, 'x' FROM audit_seal",
        "INSERT OR REPLACE INTO audit_seal (number, entry_id, digest) SELECT 9, entry_id, 'x' FROM audit_seal",
    ],
}


@pytest.fixture
def entry(db: None) -> Entry:
    entry = record(Entry.Event.ADDED, Team.objects.create(name="Ops"), by=Actor.system())
    chain.seal()
    return entry


def stored() -> list[Any]:
    return [list(Entry.objects.order_by("id").values()), list(Seal.objects.order_by("number").values())]


@pytest.mark.parametrize("statement", STATEMENTS + OWN[VENDOR])
def test_sql_can_neither_change_nor_remove_an_entry(entry: Entry, statement: str) -> None:
    before = stored()
    refused = pytest.raises(DatabaseError, match="neither changed nor removed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert stored() == before


def test_the_models_refuse_it_before_the_database_does(entry: Entry) -> None:
    for row in (entry, entry.seal):
        for attempt in (row.save, row.delete, type(row).objects.all().delete):
            with pytest.raises(AppendOnlyError):
                attempt()
    with pytest.raises(AppendOnlyError):
        Entry.objects.bulk_update([entry], ["description"])


def test_an_entry_outlives_everything_that_it_names(ada: User, db: None) -> None:
    team = Team.objects.create(name="Ops")
    key = record(Entry.Event.ADDED, team, by=Actor(ada)).pk
    team.delete()
    ada.delete()
    assert Entry.objects.get(pk=key).actor_name == "ada"


@pytest.mark.skipif(VENDOR == "mysql", reason="MySQL lets nobody watch over TRUNCATE.")
@pytest.mark.django_db(transaction=True)
def test_flush_in_operation_is_refused_as_well() -> None:
    with transaction.atomic():
        record(Entry.Event.ADDED, Team.objects.create(name="Ops"), by=Actor.system())
    with pytest.raises(Exception, match=r"(?s)neither changed nor removed|couldn't be flushed"):
        call_command("flush", interactive=False, verbosity=0)
    assert Entry.objects.exists()


@pytest.fixture
def unprotected(transactional_db: None) -> Iterator[None]:
    append_only.remove(connection)
    yield
    append_only.install(connection)


def warnings() -> list[str]:
    found = checks.run_checks(tags=[Tags.database], databases=["default"])
    return [str(one.msg) for one in found if one.id == "audit.W001"]


def test_a_check_tells_when_the_triggers_are_missing(unprotected: None) -> None:
    (warning,) = warnings()
    assert "audit_entry, audit_seal" in warning
    append_only.install(connection)
    assert warnings() == []
    append_only.install(connection)
    assert warnings() == []
