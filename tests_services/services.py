"""The servers that the tests are run on: where they are, whether they answer, what they leave behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pymysql
from kombu import Connection
from psycopg import rows, sql

SECONDS = 3


@dataclass(frozen=True)
class Service:
    """A server with its address: that of the variable, or the one that such a server has on this machine."""

    name: str
    variable: str
    usual: str
    ask: Callable[[str], None]

    @property
    def url(self) -> str:
        return os.environ.get(self.variable, "").strip() or self.usual

    @property
    def place(self) -> str:
        """Host and port, which are no secret."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    def silent(self) -> str:
        """Why it cannot be used; empty when it answers."""
        try:
            self.ask(self.url)
        except Exception as error:  # each client has a family of its own
            return f"{self.name} at {self.place} ({type(error).__name__}); {self.variable} names another one"
        return ""


def _postgres(url: str) -> psycopg.Connection[tuple[str]]:
    return psycopg.connect(
        _named(url, "postgres"),
        connect_timeout=SECONDS,
        autocommit=True,
        row_factory=rows.tuple_row,
    )


def _mysql(url: str) -> pymysql.Connection:
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        connect_timeout=SECONDS,
    )


def _ask_broker(url: str) -> None:
    with Connection(url, connect_timeout=SECONDS) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=SECONDS)


POSTGRES = Service(
    "PostgreSQL",
    "TEST_POSTGRES_URL",
    "postgres://postgres@127.0.0.1:5432/postgres",
    lambda url: _postgres(url).close(),
)
MYSQL = Service(
    "MariaDB or MySQL",
    "TEST_MYSQL_URL",
    "mysql://root@127.0.0.1:3306/mysql",
    lambda url: _mysql(url).close(),
)
REDIS = Service("Redis", "TEST_REDIS_URL", "redis://127.0.0.1:6379/15", _ask_broker)
RABBITMQ = Service("RabbitMQ", "TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//", _ask_broker)


def database_url(service: Service, name: str) -> str:
    """An address whose database is `name`; the one in the given address is left alone."""
    return _named(service.url, name)


def clean_up(service: Service, name: str) -> None:
    """Drops what a run has left: it cannot drop a test database itself in which a thread has forgotten its connection."""

    def left(found: str) -> bool:
        return found == f"test_{name}" or found.startswith(f"test_{name}_")

    if service is POSTGRES:
        with _postgres(service.url) as connection:
            for (found,) in connection.execute("SELECT datname FROM pg_database").fetchall():
                if left(found):
                    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(found))
                    connection.execute(drop)
    else:
        with _mysql(service.url) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW DATABASES")
            for (found,) in cursor.fetchall():
                if left(found):
                    cursor.execute(f"DROP DATABASE `{found}`")


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
