"""What a database server says of itself, held against what the promise needs.

Asked in a thread with a connection of its own, so that a server which is away or hangs holds nobody up for long: then
nothing is said here, and others complain.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from scheduler_site.lib import clock

# Seconds for all that a server is asked.
PATIENCE = 1.5


@dataclass(frozen=True)
class Server:
    """Its settings by name in lower case, and by how many seconds its clock is ahead of ours."""

    settings: dict[str, str] = field(default_factory=dict)
    ahead: float = 0.0


# One row: the settings of these names, then the seconds since 1970.
QUESTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "postgresql": (
        ("fsync", "synchronous_commit"),
        f"SELECT current_setting('fsync'), current_setting('synchronous_commit'), {clock.EPOCH['postgresql']}",
    ),
    "mysql": (
        ("sql_mode", "collation", "innodb_flush_log_at_trx_commit"),
        "SELECT @@SESSION.sql_mode, @@collation_database, @@GLOBAL.innodb_flush_log_at_trx_commit, "
        f"{clock.EPOCH['mysql']}",
    ),
}


@register(Tags.database)
def servers(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """The servers of these databases; a SQLite file has none."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        vendor = connections[alias].vendor
        if vendor not in QUESTIONS:
            continue
        if vendor == "mysql":
            found += judge_isolation(
                connections[alias].settings_dict.get("OPTIONS", {}).get("isolation_level")
            )
        if server := ask(connections[alias]):
            found += [*JUDGES[vendor](server.settings), *judge_clock(server.ahead)]
    return found


def ask(connection: BaseDatabaseWrapper) -> Server | None:
    """None when it does not answer in time."""
    answers: list[Server] = []
    asking = threading.Thread(target=_ask, args=(connection, answers), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answers[0] if answers else None


def _ask(connection: BaseDatabaseWrapper, answers: list[Server]) -> None:
    names, question = QUESTIONS[connection.vendor]
    mine = connection.copy()
    try:
        with mine.cursor() as cursor:
            before = time.time()
            cursor.execute(question)
            *values, seconds = cursor.fetchone()
            ahead = float(seconds) - (before + time.time()) / 2
        answers.append(Server(dict(zip(names, map(str, values), strict=True)), ahead))
    except (DatabaseError, InterfaceError, OSError):
        pass
    finally:
        mine.close()


def judge_postgresql(settings: dict[str, str]) -> Iterator[CheckMessage]:
    """From fsync and synchronous_commit; weaker forms of the latter (`local`) still force the row to this server's disk."""
    off = [name for name in ("fsync", "synchronous_commit") if settings[name] == "off"]
    if off:
        hint = (
            "Turn it on for this database: a due time whose row is lost in a power cut is run a second time."
        )
        yield checks.Warning(
            f"PostgreSQL may forget what it has committed: {', '.join(off)} is off.",
            hint=hint,
            id="belfry.W020",
        )


def judge_isolation(level: str | None) -> Iterator[CheckMessage]:
    """From the options of the settings."""
    if (level or "").lower() != "read committed":
        hint = "Leave OPTIONS['isolation_level'] at 'read committed': otherwise a process may not see what others did."
        yield Error("The isolation level of MySQL is not READ COMMITTED.", hint=hint, id="belfry.E014")


def judge_mysql(settings: dict[str, str]) -> Iterator[CheckMessage]:
    """From sql_mode, the database's collation and innodb_flush_log_at_trx_commit."""
    if not {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"} & set(settings["sql_mode"].upper().split(",")):
        hint = (
            "Add STRICT_TRANS_TABLES to sql_mode: otherwise texts that are too long are cut without a word."
        )
        yield checks.Warning("MySQL is not in strict mode.", hint=hint, id="belfry.W015")
    if (collation := settings["collation"]) != "utf8mb4_bin":
        hint = "ALTER DATABASE ... CHARACTER SET utf8mb4 COLLATE utf8mb4_bin before the first migration."
        yield checks.Warning(
            f"The collation {collation} takes different names for equal.", hint=hint, id="belfry.W016"
        )
    if (flush := settings["innodb_flush_log_at_trx_commit"]) != "1":
        hint = "Set it to 1: a due time whose row is lost in a power cut is run a second time."
        text = f"MySQL may forget what it has committed: innodb_flush_log_at_trx_commit is {flush}."
        yield checks.Warning(text, hint=hint, id="belfry.W021")


def judge_clock(ahead: float) -> Iterator[CheckMessage]:
    """From the seconds by which the server's clock is ahead: Belfry goes by it, logs and tokens by this machine's."""
    if abs(ahead) > clock.NOTICED:
        hint = "Set both by NTP: jobs start by the database's clock, logs and tokens are dated by this machine's."
        text = f"The clock of the database is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine's."
        yield checks.Warning(text, hint=hint, id="belfry.W022")


JUDGES: dict[str, Callable[[dict[str, str]], Iterator[CheckMessage]]] = {
    "postgresql": judge_postgresql,
    "mysql": judge_mysql,
}
