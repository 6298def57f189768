"""The tables of the tests' database are made by the migrations once, and copied for every other process.

What the migrations made is kept with the tests' cache, for SQLite by the contents of the migrations and of what they use; on a
server only for as long as `TEST_SCHEMA_TEMPLATE` names a database for it, which whoever set it drops (tests_services).
`migrate` runs on the copy as well: it finds nothing left to do, or does what is left.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import django
from django.apps import apps
from django.conf import settings
from django.core import management
from django.db import connection

VARIABLE = "TEST_SCHEMA_TEMPLATE"
# What migrations of ours call; a change of it may change what they make.
USED = ("audit/append_only.py", "scheduler_site/lib")


class Store(Protocol):
    """Where the tables are kept between two processes; they are of the database that `connection` has open."""

    def kept(self) -> bool: ...
    def keep(self) -> None: ...
    def fetch(self) -> None: ...


def copied() -> None:
    """From now on the tests' database gets its tables as copies where it can."""
    usual_create, usual_call = connection.creation.create_test_db, management.call_command

    def call_command(name: str, *args: Any, **options: Any) -> Any:
        store = store_of_this_run() if name == "migrate" else None
        if store is None:
            return usual_call(name, *args, **options)
        with one_at_a_time():
            if not store.kept():
                usual_call(name, *args, **options)
                store.keep()
                return None
        store.fetch()
        return usual_call(name, *args, **options)

    def create_test_db(*args: Any, **options: Any) -> str:
        with patch.object(management, "call_command", call_command):
            return usual_create(*args, **options)

    vars(connection.creation)["create_test_db"] = create_test_db


def store_of_this_run() -> Store | None:
    template = os.environ.get(VARIABLE)
    if settings.MIGRATION_MODULES:  # tables that others made, or nobody: pytest --nomigrations
        return None
    if connection.vendor == "sqlite":
        return InFile()
    if not template:
        return None
    return OnPostgres(template) if connection.vendor == "postgresql" else OnMySql(template)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Who comes while the tables are being made waits for them."""
    where = os.environ.get(VARIABLE) or hashlib.sha256(str(settings.BASE_DIR).encode()).hexdigest()[:16]
    with Path(tempfile.gettempdir(), f"belfry-schema-{os.getuid()}-{where}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class InFile:
    """For SQLite: a file in the cache of the tests."""

    def __init__(self) -> None:
        self.path = settings.BASE_DIR / ".pytest_cache" / f"schema-{fingerprint()}.sqlite3"

    def kept(self) -> bool:
        return self.path.exists()

    def put(self, path: Path) -> None:
        """A database of an installation that is to start soon; where nothing is kept its start makes the tables."""
        if self.kept():
            shutil.copyfile(self.path, path)
            path.chmod(0o600)

    def keep(self) -> None:
        self.path.parent.mkdir(exist_ok=True)
        for old in self.path.parent.glob("schema-*"):
            old.unlink()
        unfinished = self.path.with_suffix(".new")
        with closing(sqlite3.connect(unfinished)) as file:
            connection.connection.backup(file)
            # It is only read from now on, by many at once: without the files that WAL needs beside it.
            file.execute("PRAGMA journal_mode = DELETE")
        unfinished.replace(self.path)

    def fetch(self) -> None:
        connection.ensure_connection()
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro&immutable=1", uri=True)) as file:
            file.backup(connection.connection)


class OnPostgres:
    def __init__(self, template: str) -> None:
        self.template, self.name = template, connection.settings_dict["NAME"]

    def kept(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.template])
            return cursor.fetchone() is not None

    def keep(self) -> None:
        self._copy(self.name, self.template)

    def fetch(self) -> None:
        self._copy(self.template, self.name)

    def _copy(self, source: str, target: str) -> None:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{target}"')
            cursor.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')


class OnMySql:
    """Made by the statements that the server itself gives for each table and trigger; rows are copied."""

    def __init__(self, template: str) -> None:
        self.template, self.name = template, connection.settings_dict["NAME"]

    def kept(self) -> bool:
        return bool(self._rows("SHOW DATABASES LIKE %s", self.template.replace("_", r"\_")))

    def keep(self) -> None:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{self.template}`")
        self._copy(self.name, self.template)

    def fetch(self) -> None:
        self._copy(self.template, self.name)

    def _copy(self, source: str, target: str) -> None:
        tables = [row[0] for row in self._rows(f"SHOW TABLES FROM `{source}`")]
        triggers = [row[0] for row in self._rows(f"SHOW TRIGGERS FROM `{source}`")]
        made = [self._rows(f"SHOW CREATE TABLE `{source}`.`{table}`")[0][1] for table in tables]
        made += [
            f"INSERT INTO `{table}` SELECT * FROM `{source}`.`{table}`"
            for table in tables
            if self._rows(f"SELECT 1 FROM `{source}`.`{table}` LIMIT 1")
        ]
        made += [self._rows(f"SHOW CREATE TRIGGER `{source}`.`{trigger}`")[0][2] for trigger in triggers]
        with connection.cursor() as cursor:
            cursor.execute(f"USE `{target}`")
            cursor.execute("SET foreign_key_checks = 0")
            for statement in made:
                cursor.execute(statement.replace("%", "%%"), [])
        connection.close()

    def _rows(self, question: str, *values: str) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(question, values or None)
            return cursor.fetchall()


def fingerprint() -> str:
    """Another one when a migration, or what ours use, is another one."""
    places = [Path(app.path, "migrations") for app in apps.get_app_configs()]
    places += [settings.BASE_DIR / used for used in USED]
    found = hashlib.sha256(f"2 {django.VERSION} {sqlite3.sqlite_version}".encode())
    for place in places:
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place] if place.exists() else []:
            found.update(str(path).encode() + path.read_bytes())
    return found.hexdigest()[:16]
