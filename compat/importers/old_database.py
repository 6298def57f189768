"""Reads the tables of another system's database, whatever columns they have, and writes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import pymysql
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

BATCH = 1000
SCHEMES = ("postgres", "postgresql", "mysql")


class Unreachable(Exception):
    """The database cannot be opened; the text says why."""


class OldDatabase:
    """A SQLite file (its path, or a URL), PostgreSQL or MySQL (a URL)."""

    def __init__(self, address: str) -> None:
        """Raises Unreachable."""
        self._connection = _connection(address)
        try:
            with self._connection.cursor() as cursor:
                self.tables = set(self._connection.introspection.table_names(cursor))
        except (DatabaseError, UnicodeError) as error:
            raise Unreachable(f"The database cannot be read: {error}") from error

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """All rows of a table by their columns; none where there is no such table."""
        if table not in self.tables:
            return
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {self._connection.ops.quote_name(table)}")  # noqa: S608 - quoted
            names = [column[0] for column in cursor.description]
            while batch := cursor.fetchmany(BATCH):
                yield from (dict(zip(names, row, strict=True)) for row in batch)

    def close(self) -> None:
        self._connection.close()


def _connection(address: str) -> BaseDatabaseWrapper:
    if "://" not in address or address.startswith("sqlite"):
        path = Path("/" + address.partition("://")[2].lstrip("/") if "://" in address else address)
        if not path.is_file():
            raise Unreachable(f"There is no file {path}.")
        uri = f"{path.resolve().as_uri()}?mode=ro"
        config = {"ENGINE": "django.db.backends.sqlite3", "NAME": uri, "OPTIONS": {"uri": True}}
    else:
        scheme = address.split("://", 1)[0].split("+", 1)[0]
        if scheme not in SCHEMES:
            raise Unreachable(f"{scheme} is unknown. Use sqlite, postgresql or mysql.")
        if scheme == "mysql":
            pymysql.install_as_MySQLdb()
        config = environ.Env.db_url_config(scheme + address[address.index("://") :])
    found: BaseDatabaseWrapper = ConnectionHandler({"default": config})["default"]
    return found


def moment(value: Any) -> dt.datetime | None:
    """A time of a column: UTC where it says nothing else; none for what is none."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, dt.datetime):
        return None
    return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
