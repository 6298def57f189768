"""What a row has at hand: servers, Belfry's programs, the other programs, and what the database counts."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from bench.faults.installation import Installation, eventually
from bench.servers.brokers import Redis
from bench.servers.databases import Postgres
from bench.servers.process import Server
from bench.servers.stack import Stack
from jobs.models.stored_schedule import TASK

# Belfry's programs come as another role than the bench: so their statements can be told apart.
PROGRAMS = "programs"
TABLES = (
    "jobs_job", "executions_execution", "executions_heartbeat", "django_celery_beat_periodictask",
    "django_celery_beat_crontabschedule", "django_celery_beat_intervalschedule",
)  # fmt: skip
TRANSACTIONS = r"^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|SHOW)\y"


@dataclass(frozen=True)
class Cost:
    """What Belfry's programs asked of the database: statements, of which `brackets` only begin and end transactions."""

    statements: int
    brackets: int
    sessions: int

    @property
    def queries(self) -> int:
        return self.statements - self.brackets


@dataclass
class Bench:
    """Runs things and ends them; everything lies in `directory`."""

    stack: Stack
    directory: Path
    small: bool = True
    # The jobs of rows that are about their number.
    many: int = 10_000
    _count: int = field(default=0)
    _errors: dict[str, int] = field(default_factory=dict)

    def size(self, small: int, full: int) -> int:
        return small if self.small else full

    @property
    def repeats(self) -> int:
        return self.size(2, 5)

    def path(self, name: str) -> Path:
        """A name that was not used before."""
        self._count += 1
        return self.directory / f"{self._count}-{name}"

    # Servers ---------------------------------------------------------------------------------------------------------

    def database(self, name: str, user: str = "belfry", scheme: str = "postgres") -> str:
        assert isinstance(self.stack.database, Postgres)
        return f"{scheme}://{user}@127.0.0.1:{self.stack.database.port}/{name}"

    def broker(self, number: int) -> str:
        assert isinstance(self.stack.broker, Redis)
        return f"redis://127.0.0.1:{self.stack.broker.port}/{number}"

    def prepare(self) -> None:
        """The roles and databases beside Belfry's own."""
        with psycopg.connect(self.database("postgres"), autocommit=True) as server:
            server.execute("CREATE EXTENSION pg_stat_statements")
            server.execute(f"CREATE ROLE {PROGRAMS} SUPERUSER LOGIN")
            server.execute("CREATE DATABASE other")
            server.execute("CREATE DATABASE stock")
        subprocess.run(
            (sys.executable, "-m", "django", "migrate", "--verbosity", "0"),
            check=True,
            env=os.environ | self._stock,
        )

    # Belfry ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def belfry(self, *names: str, **variables: str) -> Iterator[Installation]:
        """The named programs on an installation without jobs, running and ready; `variables` go into their environment."""
        self.empty()
        system = Installation(self.directory)
        try:
            self.start(system, *names, **variables)
            yield system
        finally:
            system.stop()

    def start(self, system: Installation, *names: str, **variables: str) -> None:
        """Raises TimeoutError when they do not show that they live, RuntimeError when one has ended."""
        system.start(*names, DATABASE_URL=self.database("postgres", PROGRAMS), **variables)

        def alive() -> bool:
            if ended := [name for name in names if system.ended(name)]:
                raise RuntimeError(f"{ended} ended at once. Logs are in {self.directory}.")
            return set(names) <= self.roles()

        self.wait(alive, 60, f"{names} to start")

    def roles(self) -> set[str]:
        from executions.models import Heartbeat

        return set(Heartbeat.objects.values_list("role", flat=True))

    def empty(self) -> None:
        """Takes away what was there before, jobs, ledger and messages."""
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
        self.stack.broker.flush()

    def forget(self) -> None:
        """Takes jobs and ledger away under running programs."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE jobs_job, executions_execution CASCADE")
            cursor.execute("DELETE FROM django_celery_beat_periodictask WHERE task = %s", [TASK])

    def soon(self, seconds: float = 5) -> dt.datetime:
        """A whole second that leaves time to prepare what is due then."""
        now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
        return now.replace(microsecond=0)

    def at(self, seconds: float) -> dt.datetime:
        """The moment so many seconds after 1970."""
        return dt.datetime.fromtimestamp(seconds, dt.UTC)

    def minute(self, seconds: float) -> dt.datetime:
        """The first whole minute that is at least so far away."""
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
        return moment.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)

    @contextmanager
    def counted(self, found: list[Cost]) -> Iterator[None]:
        """Appends what Belfry's programs cost the database meanwhile."""
        before = self._sessions()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_statements_reset()")
        yield
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(sum(calls), 0), coalesce(sum(calls) FILTER (WHERE query ~* %s), 0)"
                " FROM pg_stat_statements WHERE userid = %s::regrole",
                [TRANSACTIONS, PROGRAMS],
            )
            statements, brackets = cursor.fetchone()
        found.append(Cost(int(statements), int(brackets), self._sessions() - before))

    def _sessions(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")
            return int(cursor.fetchone()[0])

    def errors(self) -> list[str]:
        """What went wrong in the programs of the last row, by log; a program that fails is not being measured."""
        found = []
        for log in sorted(self.directory.glob("*.log")):
            text = log.read_text(errors="replace")
            count = text.count("Traceback") + len(re.findall(r" ERROR (?!.*Traceback)", text))
            if count > self._errors.get(log.name, 0):
                found.append(f"{log.name} {count - self._errors.get(log.name, 0)}")
            self._errors[log.name] = count
        return found

    # The others ------------------------------------------------------------------------------------------------------

    @contextmanager
    def other(self, *argv: str, **variables: str) -> Iterator[Server]:
        """A program of the alternatives: `python -m ARGV`."""
        server = Server(
            (sys.executable, "-m", *argv), self.path(f"{argv[0].split('.')[-1]}.log"), env=variables
        )
        server.start()
        try:
            yield server
        finally:
            server.end()

    @contextmanager
    def bare(self, name: str, *options: str) -> Iterator[Server]:
        """A worker of bare Celery on the queue `name`, ready."""
        from bench.speed.alternatives import bare

        app = ("celery", "--quiet", "-A", "bench.speed.alternatives.bare", "worker", "--loglevel", "WARNING")
        quiet = ("--without-gossip", "--without-mingle", "--hostname", f"{name}@%h", "--queues", name)
        variables = {
            "BENCH_BROKER": self.broker(1),
            "BENCH_DATABASE": self.database("other", scheme="postgresql"),
        }
        bare.app.conf.update(broker_url=self.broker(1))
        with self.other(*app, *quiet, *options, **variables) as server:
            ready, note = bare.app.signature("bench.noop"), self.path("ready")
            ready.apply_async((str(note),), queue=name)
            self.wait(note.exists, 60, f"{name} to start")
            yield server

    def stock(self, *words: str) -> str:
        """A command to the stock jobs (alternatives/stock.py); what it prints."""
        argv = (sys.executable, "-m", "bench.speed.alternatives.stock", *words)
        done = subprocess.run(
            argv, check=True, env=os.environ | self._stock, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    @contextmanager
    def stock_beat(self) -> Iterator[Server]:
        app = ("celery", "--quiet", "-A", "bench.speed.alternatives.stock", "beat", "--pidfile=")
        with self.other(*app, **self._stock) as server:
            yield server

    @property
    def _stock(self) -> dict[str, str]:
        assert isinstance(self.stack.database, Postgres)
        settings = "bench.speed.alternatives.stock_settings"
        port = str(self.stack.database.port)
        return {"BENCH_STOCK": port, "BENCH_BROKER": self.broker(1), "DJANGO_SETTINGS_MODULE": settings}

    def noted(self, path: Path, count: int, seconds: float) -> float:
        """The latest moment in a file of moments, as soon as it has `count` lines. Raises TimeoutError."""
        self.wait(
            lambda: path.exists() and path.read_bytes().count(b"\n") >= count, seconds, f"{count} notes"
        )
        return max(float(line) for line in path.read_text().splitlines())

    def first_note(self, path: Path, seconds: float) -> float:
        """The first moment in a file of moments. Raises TimeoutError."""
        self.noted(path, 1, seconds)
        return float(path.read_text().splitlines()[0])

    def wait(self, true: Callable[[], Any], seconds: float, what: str) -> None:
        """Raises TimeoutError."""
        if not eventually(lambda: bool(true()), seconds, 0.1):
            raise TimeoutError(f"Waited {seconds:.0f} s for {what}. Logs are in {self.directory}.")
