"""Bare Celery: `celery -A bench.speed.alternatives.bare worker`. Broker and database come from BENCH_BROKER and BENCH_DATABASE.

No Django, no ORM, one lasting connection per thread or child: less than this a task that keeps a record cannot do.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from celery import Celery

TABLE = """
CREATE TABLE IF NOT EXISTS bare_run (
    id bigint PRIMARY KEY, state text NOT NULL, lease_until timestamptz, started_at timestamptz, finished_at timestamptz
)
"""
# Not the current application: the bench imports this beside Belfry's.
app = Celery("bare", broker=os.environ.get("BENCH_BROKER"), set_as_current=False)
app.conf.update(
    task_ignore_result=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True
)
_own = threading.local()


def _connection() -> psycopg.Connection[Any]:
    if getattr(_own, "pid", None) != os.getpid():
        _own.connection, _own.pid = (
            psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True),
            os.getpid(),
        )
    connection: psycopg.Connection[Any] = _own.connection
    return connection


@app.task(name="bench.record")
def record(key: int) -> None:
    """A run with a record: begun, its lease renewed, ended. Each of the three is a commit of its own."""
    _record(key)


@app.task(name="bench.sample")
def sample(key: int) -> None:
    """The same around the job class to begin with, called in the worker's own process."""
    from jobs.classes.sample import AwesomeJob

    _record(key, lambda: AwesomeJob().run("a", "b"))


def _record(key: int, work: Callable[[], object] = lambda: None) -> None:
    execute = _connection().execute
    execute("INSERT INTO bare_run (id, state, started_at) VALUES (%s, 'running', clock_timestamp())", (key,))
    execute("UPDATE bare_run SET lease_until = clock_timestamp() + interval '45 s' WHERE id = %s", (key,))
    work()
    execute("UPDATE bare_run SET state = 'success', finished_at = clock_timestamp() WHERE id = %s", (key,))


@app.task(name="bench.noop")
def noop(path: str) -> None:
    """Does nothing; notes in a file when it began, which costs next to nothing."""
    _note(path)


@app.task(name="bench.call")
def call(url: str, path: str) -> None:
    """What most people write for a webhook; notes when it has the answer."""
    import requests

    requests.get(url, timeout=60).raise_for_status()
    _note(path)


def _note(path: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, f"{time.time()!r}\n".encode())
    os.close(descriptor)
