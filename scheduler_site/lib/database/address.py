"""Django's configuration of a database URL, with the options that the promise rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


def configured(url: str, timeout: int, directory: Path) -> dict[str, Any]:
    """An entry for DATABASES. `timeout`: seconds of a statement; `directory`: where tests keep their SQLite file.

    Raises ImproperlyConfigured.
    """
    if "://" not in url:
        raise ImproperlyConfigured(
            "DATABASE_URL is no URL. Example: postgres://user:password@host:5432/belfry"
        )
    scheme = url.split("://", 1)[0].split("+", 1)[0]
    if scheme not in environ.Env.DB_SCHEMES:
        raise ImproperlyConfigured(f"DATABASE_URL: {scheme} is unknown. Use postgres, mysql or sqlite.")
    config: dict[str, Any] = environ.Env.db_url_config(scheme + url[url.index("://") :])
    config |= {"CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        options |= SQLITE
        # A file, as in operation: the threads of a test share it as processes do.
        config["TEST"] = {"NAME": str(directory / "test.sqlite3")}
    elif config["ENGINE"].endswith("postgresql"):
        options |= _postgresql(timeout * 1000)
    elif config["ENGINE"].endswith("mysql"):
        options |= _mysql(timeout)
        # Names are compared exactly, as they are on the other databases.
        config["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_bin"}
    return config


def hurried(config: dict[str, Any], seconds: int) -> dict[str, Any]:
    """The same for a connection that waits no longer than so many seconds for an answer of its server."""
    options = dict(config["OPTIONS"])
    if config["ENGINE"].endswith("postgresql"):
        # A server that is gone and had taken the question: asked after twice, known in the same time.
        probes = {"keepalives_idle": max(seconds // 3, 1), "keepalives_interval": max(seconds // 3, 1)}
        options |= _postgresql(seconds * 1000) | probes | {"keepalives_count": 2}
    elif config["ENGINE"].endswith("mysql"):
        options |= {"read_timeout": seconds, "write_timeout": seconds}
    return {**config, "OPTIONS": options}


SQLITE = {
    # A deferred transaction that turns into a writer fails at once with "database is locked".
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL, which some builds of SQLite lower for WAL: what was committed must survive a power cut.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


# Statements are short. Of a page of rows, processes that share the work read ten times as many as one that stops at the last.
ALONE = "max_parallel_workers_per_gather=0"


def _postgresql(milliseconds: int) -> dict[str, Any]:
    return {
        "connect_timeout": 5,
        "tcp_user_timeout": milliseconds,
        # A server that vanishes while it owes an answer is noticed as soon, not after the system's two hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} -c {ALONE}",
    }


def _mysql(seconds: int) -> dict[str, Any]:
    import pymysql

    pymysql.install_as_MySQLdb()
    # READ COMMITTED: under MySQL's default a transaction does not see the claims of others.
    return {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        "connect_timeout": 5,
        "read_timeout": seconds,
        "write_timeout": seconds,
    }
