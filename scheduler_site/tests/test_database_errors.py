"""What an error of a database means: to wait, to look for another server, to try again, or to give that one request up."""

from __future__ import annotations

import sqlite3
from typing import Any

import pymysql
import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from pymysql.err import raise_mysql_exception

from scheduler_site.lib.database.errors import Kind, breaks_connection, kind_of, passes


class Postgres(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("what the server says")
        self.sqlstate = sqlstate


def raised(error: type[DatabaseError], cause: Exception) -> Any:
    try:
        raise error(*cause.args) from cause
    except DatabaseError as found:
        return found


@pytest.mark.parametrize(
    ("error", "state", "kind"),
    [
        (OperationalError, None, Kind.AWAY),
        (OperationalError, "08006", Kind.AWAY),
        (OperationalError, "57P01", Kind.AWAY),
        (OperationalError, "57P03", Kind.AWAY),
        (OperationalError, "57014", Kind.AWAY),
        (OperationalError, "53300", Kind.AWAY),
        (OperationalError, "53100", Kind.AWAY),
        (InternalError, "25006", Kind.READ_ONLY),
        (OperationalError, "40001", Kind.CONFLICT),
        (OperationalError, "40P01", Kind.CONFLICT),
        (OperationalError, "55P03", Kind.CONFLICT),
        (ProgrammingError, "42P01", Kind.SCHEMA),
        (ProgrammingError, "42703", Kind.SCHEMA),
        (DataError, "22001", Kind.NEVER),
        (IntegrityError, "23505", Kind.NEVER),
        (OperationalError, "54000", Kind.NEVER),
    ],
)
def test_of_postgresql_the_sqlstate_tells(error: type[DatabaseError], state: str | None, kind: Kind) -> None:
    assert kind_of(raised(error, Postgres(state))) is kind


def answered(number: int, state: str) -> Exception:
    """What the driver makes of a server's packet (client/server protocol, ERR_Packet): it has a SQLSTATE as well."""
    with pytest.raises(pymysql.MySQLError) as found:
        raise_mysql_exception(
            b"\xff" + number.to_bytes(2, "little") + f"#{state}what the server says".encode()
        )
    error: Exception = found.value
    return error


@pytest.mark.parametrize(
    ("error", "number", "state", "kind"),
    [
        (OperationalError, 1040, "08004", Kind.AWAY),
        (OperationalError, 1053, "08S01", Kind.AWAY),
        (OperationalError, 1927, "70100", Kind.AWAY),
        (OperationalError, 1290, "HY000", Kind.READ_ONLY),
        (OperationalError, 1792, "25006", Kind.READ_ONLY),
        (OperationalError, 1213, "40001", Kind.CONFLICT),
        (OperationalError, 1205, "HY000", Kind.CONFLICT),
        (OperationalError, 1020, "HY000", Kind.CONFLICT),
        (ProgrammingError, 1146, "42S02", Kind.SCHEMA),
        (OperationalError, 1054, "42S22", Kind.SCHEMA),
        (OperationalError, 1153, "08S01", Kind.NEVER),
        (OperationalError, 1366, "22007", Kind.NEVER),
        (DataError, 1406, "22001", Kind.NEVER),
        (IntegrityError, 1062, "23000", Kind.NEVER),
    ],
)
def test_of_mysql_and_mariadb_the_number_tells(
    error: type[DatabaseError], number: int, state: str, kind: Kind
) -> None:
    assert kind_of(raised(error, answered(number, state))) is kind


@pytest.mark.parametrize("number", [2003, 2006, 2013, 2014])
def test_a_connection_to_mysql_or_mariadb_that_breaks_passes(number: int) -> None:
    """These are of the driver itself, without a SQLSTATE."""
    cause = pymysql.OperationalError(number, "Lost connection during query")
    assert kind_of(raised(OperationalError, cause)) is Kind.AWAY


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database is locked", Kind.CONFLICT),
        ("database or disk is full", Kind.AWAY),
        ("disk I/O error", Kind.AWAY),
        ("unable to open database file", Kind.AWAY),
        ("attempt to write a readonly database", Kind.READ_ONLY),
        ("no such table: executions_execution", Kind.SCHEMA),
        ("too many SQL variables", Kind.NEVER),
    ],
)
def test_of_sqlite_the_text_tells(text: str, kind: Kind) -> None:
    assert kind_of(OperationalError(text)) is kind


@pytest.mark.parametrize("error", [InterfaceError("connection already closed"), ConnectionResetError()])
def test_a_broken_connection_passes(error: Exception) -> None:
    assert kind_of(error) is Kind.AWAY


@pytest.mark.parametrize("error", [ValueError("no"), DataError("no"), KeyError("no")])
def test_what_the_request_itself_is_to_blame_for_does_not(error: Exception) -> None:
    assert not passes(error)


@pytest.mark.parametrize(
    ("cause", "breaks"),
    [
        (Postgres(None), True),
        (Postgres("08006"), True),
        (Postgres("53100"), False),
        (Postgres("57014"), False),
        (pymysql.OperationalError(2013, "Lost connection during query"), True),
        (answered(1021, "HY000"), False),
        (sqlite3.OperationalError("database or disk is full"), False),
    ],
    ids=lambda value: str(value),
)
def test_a_full_disk_and_a_time_limit_leave_the_connection(cause: Exception, breaks: bool) -> None:
    assert breaks_connection(raised(OperationalError, cause)) is breaks
