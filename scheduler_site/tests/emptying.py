"""Empties all tables after a test with transactions of its own, and puts back what `migrate` writes at its end.

Django sends the signal `post_migrate` each time, whose receivers look for every content type and permission, and on PostgreSQL
it truncates all tables, which makes new files for each; both take many times as long as deleting a few rows and writing back
what the receivers wrote the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction

SIGNAL = "django.core.management.commands.flush.emit_post_migrate_signal"
Table = tuple[str, list[str], list[tuple[Any, ...]]]

_usual: list[Table] = []


@contextmanager
def quickly() -> Iterator[None]:
    """Meanwhile `flush` leaves what the first one left."""

    def refill(*args: Any, **options: Any) -> None:
        if _usual:
            _write(_usual)
        else:
            emit_post_migrate_signal(*args, **options)
            _usual.extend(_read())

    with (
        patch(SIGNAL, refill),
        patch.object(connection.ops, "sql_flush", _delete)
        if connection.vendor == "postgresql"
        else nullcontext(),
    ):
        yield


def _delete(style: object, tables: Iterable[str], **options: object) -> list[str]:
    """Foreign keys are checked at the end of the transaction, so that the order does not matter."""
    return [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]


def _read() -> Iterator[Table]:
    quoted = connection.ops.quote_name
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True, include_views=False):
            cursor.execute(f"SELECT * FROM {quoted(table)}")
            if rows := cursor.fetchall():
                yield table, [column[0] for column in cursor.description], list(rows)


def _write(tables: list[Table]) -> None:
    quoted = connection.ops.quote_name
    with transaction.atomic(), connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table, columns, rows in tables:
            names, values = ", ".join(map(quoted, columns)), ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({values})", rows)
