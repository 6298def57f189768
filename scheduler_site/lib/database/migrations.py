"""Migrations while Belfry runs: locks are waited for in turns, indexes of big tables are made beside the work, and what a
database without transactional DDL (MySQL, MariaDB) left half done is gone on with.

The rules for writing a migration are in docs/development.md; `scheduler_site/tests/test_migrations.py` holds them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import AddIndex, AlterField, Migration, RemoveIndex, RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.db.models import Index, Q

log = logging.getLogger("scheduler_site.migrations")

# A statement waits so long for a lock; everybody who comes after it waits behind it meanwhile.
LOCK_SECONDS = 5
# Of MySQL and MariaDB: what is to be made is there, what is to be dropped is not (table, column, key, constraint).
DONE_ALREADY = {1022, 1050, 1051, 1060, 1061, 1068, 1091, 1826}
# Django's own table of migrations keeps what was begun, under the app's name with this behind it.
BEGUN = " (begun)"


class AddIndexConcurrently(AddIndex):
    """An index of a table that may be big. PostgreSQL makes it CONCURRENTLY; its migration says `atomic = False`."""

    atomic = False

    def __init__(self, model_name: str, index: Index, *, on_postgres: Q | None = None) -> None:
        """`on_postgres`: there, of these rows only. (MariaDB has no such indexes, SQLite uses them for `IS NOT NULL` alone.)"""
        super().__init__(model_name, index)
        self.on_postgres = on_postgres

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model, index = to_state.apps.get_model(app_label, self.model_name), self.index
        # One that was interrupted is there, but invalid.
        schema_editor.execute(
            f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(index.name)}", params=None
        )
        if self.on_postgres is not None:
            index = Index(fields=index.fields, name=index.name, condition=self.on_postgres)
        schema_editor.add_index(model, index, concurrently=True)


class RemoveIndexConcurrently(RemoveIndex):
    """The other way round."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.execute(
            f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.name)}", params=None
        )


class DropFieldIndexConcurrently(AlterField):
    """Takes away the index that Django made for the field itself (a foreign key's): others have what it was for.

    On MariaDB the constraint needs an index that begins with the column; it is happy with any.
    """

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        vendor = schema_editor.connection.vendor
        model = to_state.apps.get_model(app_label, self.model_name)
        names = schema_editor._constraint_names(
            model,
            [model._meta.get_field(self.name).column],
            index=True,
            unique=False,
            type_=Index.suffix,
            exclude={index.name for index in model._meta.indexes},
        )
        for name in map(schema_editor.quote_name, names):
            if vendor == "mysql":
                schema_editor.execute(
                    f"DROP INDEX {name} ON {schema_editor.quote_name(model._meta.db_table)}"
                )
            else:
                beside = " CONCURRENTLY" if vendor == "postgresql" else ""
                schema_editor.execute(f"DROP INDEX{beside} IF EXISTS {name}", params=None)


class OnPostgres(RunSQL):
    """Statements for PostgreSQL alone, one after the other, each in a transaction of its own."""

    atomic = False

    def __init__(self, *statements: str) -> None:
        super().__init__(list(statements))

    def deconstruct(self) -> Any:
        return self.__class__.__name__, self.sql, {}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self.sql if schema_editor.connection.vendor == "postgresql" else ():
            schema_editor.execute(statement, params=None)


def index_on_postgres(name: str, on: str) -> OnPostgres:
    """An index of few rows, `table (columns) WHERE ...`; the other databases would keep it for all rows, or not use it."""
    # One that was interrupted is there, but invalid.
    return OnPostgres(
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE INDEX CONCURRENTLY {name} ON {on}"
    )


class ResumingExecutor(MigrationExecutor):
    """Where DDL cannot be taken back, notes which migration was begun, and lets it go on after what is done already."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        if fake or self.connection.features.can_rollback_ddl:
            return super().apply_migration(state, migration, fake, fake_initial)
        app, name = f"{migration.app_label}{BEGUN}", migration.name
        begun = (app, name) in self.recorder.applied_migrations()
        if begun:
            log.warning("migration_resumed", extra={"migration": f"{migration.app_label}.{name}"})
        else:
            self.recorder.record_applied(app, name)
        with resuming(self.connection) if begun else nullcontext():
            applied = super().apply_migration(state, migration, fake, fake_initial)
        self.recorder.record_unapplied(app, name)
        return applied


@contextmanager
def resuming(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Statements that find their work done already are passed over."""
    usual: Any = connection.SchemaEditorClass

    class Resuming(usual):  # type: ignore[misc]
        def execute(self, sql: Any, params: Any = ()) -> None:
            try:
                super().execute(sql, params)
            except DatabaseError as error:
                if _number(error) not in DONE_ALREADY:
                    raise
                log.warning("statement_done_already", extra={"error": str(error)})

    connection.SchemaEditorClass = Resuming
    try:
        yield
    finally:
        connection.SchemaEditorClass = usual


def _number(error: DatabaseError) -> Any:
    cause = error.__cause__ or error
    return cause.args[0] if cause.args else None


@contextmanager
def patient(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Statements may take as long as they need (a table may be rebuilt), but wait for a lock for a few seconds only."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = 0; SET lock_timeout = '{LOCK_SECONDS}s'")
        try:
            yield
        finally:
            if connection.connection is not None and not connection.needs_rollback:
                with connection.cursor() as cursor:
                    cursor.execute("RESET statement_timeout; RESET lock_timeout")
    elif connection.vendor == "mysql" and not connection.in_atomic_block:
        options = connection.settings_dict["OPTIONS"]
        kept = {name: options.get(name) for name in ("read_timeout", "init_command")}
        waits = f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}, innodb_lock_wait_timeout = {LOCK_SECONDS}"
        options |= {"read_timeout": None, "init_command": waits}
        connection.close()
        try:
            yield
        finally:
            options |= {name: value for name, value in kept.items() if value is not None}
            options.pop("init_command") if kept["init_command"] is None else None
            connection.close()
    else:
        yield
