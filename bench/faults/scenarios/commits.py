"""Faults of what a database says of a change: the answer to a commit is lost, or it takes no changes for a while."""

from __future__ import annotations

import random
import time

from bench.faults.network import Line
from bench.faults.trial import Trial, Unavailable
from bench.servers.databases import MariaDB, Postgres
from executions.models import LogChunk


def commit_answers_lost(trial: Trial) -> None:
    """connections break between a commit and its answer, every second or so for 20 s, for workers and beat"""
    if trial.stack.database is None:
        raise Unavailable("SQLite has no connection that could break")
    line = Line(trial.stack.addresses)
    trial.after.callback(line.close)
    trial.system.common |= line.addresses

    def hurt() -> None:
        for _ in range(20):
            line.lose_commit()
            time.sleep(0.5 + random.random())

    trial.loses_nothing = True
    trial.under_load(hurt)
    seen, twice = set[tuple[int, int, str]](), 0
    for key in LogChunk.objects.values_list("execution_id", "attempt", "text"):
        twice += key in seen
        seen.add(key)
    if twice:
        trial.wrong.append(f"{twice} pieces of output are stored twice")


def database_read_only(trial: Trial) -> None:
    """the database takes no changes for 20 s under load, as one that has become a standby"""

    def hurt() -> None:
        _set_read_only(trial, True)
        time.sleep(20)
        _set_read_only(trial, False)

    if trial.stack.database is None:
        raise Unavailable("SQLite has no standby")
    trial.loses_nothing = True
    trial.under_load(hurt, after=25)


def _set_read_only(trial: Trial, on: bool) -> None:
    database = trial.stack.database
    if isinstance(database, Postgres):
        import psycopg

        address = f"host=127.0.0.1 port={database.port} user=belfry dbname=postgres"
        with psycopg.connect(
            address, autocommit=True, options="-c default_transaction_read_only=off"
        ) as server:
            server.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
            server.execute("SELECT pg_reload_conf()")
    elif isinstance(database, MariaDB):
        import pymysql

        socket = str(database.directory.parent / "mariadb.sock")
        with pymysql.connect(unix_socket=socket, user="root") as server, server.cursor() as cursor:
            cursor.execute(f"SET GLOBAL read_only = {int(on)}")
