"""Classifies database errors for callers, in one place for all databases.

Django's own classes do not tell: a PostgreSQL that has become a standby raises an InternalError, a packet that is too large for
MariaDB an OperationalError. The codes are those of the servers: SQLSTATE (PostgreSQL manual, appendix A), error numbers (MySQL
and MariaDB manuals), and SQLite's texts, for it has no codes that Python shows.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from django.db import DatabaseError, Error, InterfaceError, OperationalError


class Kind(Enum):
    """All but the last are temporary: retry if waiting is possible."""

    AWAY = "away"  # no connection, no room, shutting down, out of time
    READ_ONLY = (
        "read only"  # a standby, or a primary that was demoted: another connection may lead to the new one
    )
    CONFLICT = "conflict"  # with another transaction: a deadlock, a lock that was not let go
    SCHEMA = "schema"  # a table or column is not there: not yet, while an upgrade is rolled out
    NEVER = "never"  # the request itself: no repetition helps


CONFLICTS = {"40001", "40P01", "55P03", "25P02"}
SCHEMAS = {"42P01", "42703", "3F000"}
# Classes of PostgreSQL's codes: connection, authorization, catalog, resources, intervention, system, internal.
AWAY_CLASSES = ("08", "28", "3D", "53", "57", "58", "XX")
MYSQL: dict[int, Kind] = {
    **dict.fromkeys((1290, 1792, 1836), Kind.READ_ONLY),
    **dict.fromkeys((1020, 1205, 1213, 1412), Kind.CONFLICT),
    **dict.fromkeys((1054, 1146, 1364), Kind.SCHEMA),
    # Texts too long, values out of range, duplicates, packets too large, ...
    **dict.fromkeys((1048, 1062, 1118, 1153, 1264, 1292, 1366, 1406, 1451, 1452, 3988), Kind.NEVER),
}
# Of the driver: gone away, lost during a query.
BROKEN = {2006, 2013, 2055}
SQLITE = {
    "readonly": Kind.READ_ONLY,
    "locked": Kind.CONFLICT,
    "busy": Kind.CONFLICT,
    "no such table": Kind.SCHEMA,
    "no such column": Kind.SCHEMA,
    "no column named": Kind.SCHEMA,
    "too many sql variables": Kind.NEVER,
    "too big": Kind.NEVER,
}


def kind_of(error: BaseException) -> Kind:
    """NEVER for what is no error of a database, unless it is one of the operating system (a broken connection)."""
    if isinstance(error, InterfaceError) or (isinstance(error, OSError) and not isinstance(error, Error)):
        return Kind.AWAY
    if not isinstance(error, DatabaseError):
        return Kind.NEVER
    cause = error.__cause__ or error
    # First: MySQL's and MariaDB's errors have a SQLSTATE as well, which mostly says no more than HY000, "general error".
    if isinstance(number := _number(cause), int):
        return MYSQL.get(number) or _by_class(error)
    if state := getattr(cause, "sqlstate", None):
        return _by_state(state)
    text = str(error).lower()
    return next((kind for part, kind in SQLITE.items() if part in text), None) or _by_class(error)


def passes(error: BaseException) -> bool:
    """Whether the same request may be answered later."""
    return kind_of(error) is not Kind.NEVER


def breaks_connection(error: BaseException) -> bool:
    """Whether the connection is gone with it. A full disk, or a time that ran out, leaves it as it is."""
    cause = error.__cause__ or error
    if isinstance(number := _number(cause), int):
        return number in BROKEN
    state = getattr(cause, "sqlstate", "")
    return isinstance(error, InterfaceError) or state is None or state.startswith("08")


def _by_state(state: str) -> Kind:
    if state == "25006":
        return Kind.READ_ONLY
    if state in CONFLICTS:
        return Kind.CONFLICT
    if state in SCHEMAS:
        return Kind.SCHEMA
    return Kind.AWAY if state.startswith(AWAY_CLASSES) else Kind.NEVER


def _by_class(error: DatabaseError) -> Kind:
    """Without a code that is known: a connection that broke has none."""
    return Kind.AWAY if isinstance(error, OperationalError) else Kind.NEVER


def _number(cause: BaseException) -> Any:
    return cause.args[0] if cause.args else None
