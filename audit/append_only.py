"""Triggers that keep the trail as it was written: they refuse UPDATE and DELETE, on PostgreSQL TRUNCATE as well.

What they cannot refuse, on any database, is whoever owns the tables and takes the triggers away first: against that
there is the chain (audit/chain.py). MySQL and MariaDB let nobody watch over TRUNCATE, which needs the right DROP there.

On SQLite a migration that alters one of the tables makes the table anew, without its triggers: such a migration calls
`remove` before and `install` after it. A system check tells when they are missing (audit/checks.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = ("audit_entry", "audit_seal")
REFUSAL = "Audit entries can be added, but neither changed nor removed."
FUNCTION = "audit_append_only"
# Each unique key of a table: INSERT OR REPLACE, which is SQLite's alone, removes the old row without asking a trigger.
KEYS = {"audit_entry": ("id",), "audit_seal": ("number", "entry_id")}


def install(connection: BaseDatabaseWrapper) -> None:
    """Makes the triggers, those that are there anew. Raises a DatabaseError where the account may not."""
    remove(connection)
    _run(connection, _made(connection.vendor))


def remove(connection: BaseDatabaseWrapper) -> None:
    _run(connection, _dropped(connection.vendor))


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The tables that are not protected; none before the migration that makes both of them."""
    with connection.cursor() as cursor:
        if not set(TABLES) <= set(connection.introspection.table_names(cursor)):
            return []
        cursor.execute(_PROTECTED[connection.vendor])
        found = [table for (table,) in cursor.fetchall()]
    needed = len(_triggers(connection.vendor))
    return [table for table in TABLES if found.count(table) < needed]


_PROTECTED = {
    "postgresql": (
        "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE tgname LIKE 'audit%' AND tgenabled <> 'D' AND pg_table_is_visible(tgrelid)"
    ),
    "mysql": (
        "SELECT event_object_table FROM information_schema.triggers "
        "WHERE trigger_schema = DATABASE() AND trigger_name LIKE 'audit%'"
    ),
    "sqlite": "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'",
}


def _triggers(vendor: str) -> tuple[str, ...]:
    """What is refused by a trigger of its own."""
    return {
        "postgresql": ("append_only",),
        "mysql": ("update", "delete"),
        "sqlite": ("update", "delete", "replace"),
    }[vendor]


def _made(vendor: str) -> Iterator[str]:
    if vendor == "postgresql":
        yield (
            f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
    for table in TABLES:
        for name in _triggers(vendor):
            yield from _trigger(vendor, table, name)


def _trigger(vendor: str, table: str, name: str) -> Iterator[str]:
    trigger = f"{table}_{name}"
    if vendor == "postgresql":
        events = "UPDATE OR DELETE OR TRUNCATE"
        yield f"CREATE TRIGGER {trigger} BEFORE {events} ON {table} EXECUTE FUNCTION {FUNCTION}()"
        # Also for who says that he only replicates.
        yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"
    elif vendor == "mysql":
        refuse = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{REFUSAL}'"
        yield f"CREATE TRIGGER {trigger} BEFORE {name.upper()} ON {table} FOR EACH ROW {refuse}"
    elif name == "replace":
        same = " OR ".join(f"{key} = NEW.{key}" for key in KEYS[table])
        there = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - our own names
        yield f"CREATE TRIGGER {trigger} BEFORE INSERT ON {table} WHEN {there} BEGIN {_raise()}; END"
    else:
        yield f"CREATE TRIGGER {trigger} BEFORE {name.upper()} ON {table} BEGIN {_raise()}; END"


def _raise() -> str:
    return f"SELECT RAISE(ABORT, '{REFUSAL}')"


def _dropped(vendor: str) -> Iterator[str]:
    on = " ON {}" if vendor == "postgresql" else ""
    for table in TABLES:
        for name in _triggers(vendor):
            yield f"DROP TRIGGER IF EXISTS {table}_{name}{on.format(table)}"
    if vendor == "postgresql":
        yield f"DROP FUNCTION IF EXISTS {FUNCTION}()"


def _run(connection: BaseDatabaseWrapper, statements: Iterator[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
