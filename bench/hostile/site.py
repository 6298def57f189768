"""The site that is measured: a PostgreSQL with jobs and runs, and the web programs, today's and one of threads."""

from __future__ import annotations

import datetime as dt
import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.db import connection
from django.test import Client

from accounts.models import Category, User
from accounts.signin import json_web_tokens
from bench.history import ledger
from bench.servers.process import Server, free_port, wait_for_port
from bench.speed import population
from executions.ledger import definitions
from executions.models import Execution, LogChunk
from executions.monitoring import totals_update
from jobs.models import Job
from scheduler_site.running import programs

LIMIT = 10.0  # seconds after which a page counts as not answered
LOG_CHUNKS, CHUNK = 2000, 16 * 1024


@dataclass(frozen=True)
class People:
    """Who asks, and for what: an administrator with a session and a token."""

    token: str
    cookie: str
    pages: dict[str, str] = field(default_factory=dict)
    long_log: str = ""
    execute: str = ""


def fill(runs: int, jobs: int) -> None:
    """The rows of `ledger.fill`, on SQLite made one by one."""
    if connection.vendor == "postgresql":
        ledger.fill(runs, jobs)
        return
    owner = User.objects.create_user("ada", "ada@example.com", role=User.Role.ADMIN)
    now, general = dt.datetime.now(dt.UTC), Category.general()
    options = {"target_url": "https://1.1.1.1/hook"}
    kind = Job.Kind.WEBHOOK
    made = population.add(
        jobs, population.far(now), kind=kind, options=options, category=general, owner=owner
    )
    told = made[0].definition()
    shared = definitions.find({definitions.digest(told): told})[definitions.digest(told)]
    rows = []
    for number in range(runs):
        job, due = made[number % jobs], now - dt.timedelta(days=ledger.DAYS) * ((runs - number) / runs)
        bad = number % 100 > 93
        rows.append(
            Execution(
                job=job, job_name=job.name, job_uid=job.uid, kind=kind, shared=shared, target="https://1.1.1.1/hook",
                category=general, scheduled_for=due, due_at=due, trigger="scheduled", created_at=due, attempt=1,
                state="failed" if bad else "success", started_at=due, finished_at=due + dt.timedelta(seconds=1),
                duration=1.0, error="The webhook answered with status 500." if bad else "",
            )
        )  # fmt: skip
    Execution.objects.bulk_create(rows, batch_size=500)
    while totals_update.fold(now):
        pass


def people(runs: int, jobs: int) -> People:
    """Fills the database. One run has written 32 MB."""
    fill(runs, jobs)
    user = User.objects.get()
    client = Client()
    client.force_login(user)
    run = Execution.objects.filter(state="success").latest("id")
    LogChunk.objects.bulk_create(
        [LogChunk(execution=run, attempt=1, at=run.created_at, text="x" * CHUNK) for _ in range(LOG_CHUNKS)],
        batch_size=100,
    )
    job = Job.objects.latest("id")
    Job.objects.filter(pk=job.pk).update(overlap=Job.Overlap.ALLOW, end_date=None)
    pages = {
        "health": "/api/health",
        "login": "/login",
        "dashboard": "/",
        "jobs": "/jobs",
        "executions": "/api/v2/executions?limit=50",
    }
    return People(
        token=json_web_tokens.issue(user)[0],
        cookie="; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items()),
        pages=pages,
        long_log=f"/api/v2/executions/{run.uid}/log",
        execute=f"/api/v2/jobs/{job.uid}/execute?wait=60",
    )


@dataclass
class Site:
    """A web program and its port."""

    port: int
    server: Server

    @property
    def memory(self) -> float:
        """MB of proportional set size, all of its processes."""
        assert self.server.process
        parent = psutil.Process(self.server.process.pid)
        found = [parent, *parent.children(recursive=True)]
        return sum(process.memory_full_info().pss for process in found) / 2**20

    @property
    def processor(self) -> float:
        """Seconds of processor time that its living processes have used."""
        assert self.server.process
        parent = psutil.Process(self.server.process.pid)
        times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
        return sum(one.user + one.system for one in times)

    def ask(self, path: str, people: People) -> float:
        """Seconds until the whole answer has come, on a connection of its own; LIMIT where there is none in that time."""
        began = time.monotonic()
        headers = {"Cookie": people.cookie, "Authorization": f"Bearer {people.token}"}
        if path.startswith("/api/") or path == "/login":
            del headers["Cookie"]
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)) as connection:
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                answer.read()
        except OSError:
            return LIMIT
        # 503 is what health says as there are no workers here.
        if answer.status not in (200, 503):
            raise RuntimeError(f"{path} answered {answer.status}")
        return time.monotonic() - began

    def median(self, path: str, people: People, times: int) -> tuple[float, float]:
        """Median and longest; after one that was not answered no more are asked."""
        found: list[float] = []
        while len(found) < times and LIMIT not in found:
            found.append(self.ask(path, people))
        return statistics.median(found), max(found)


def command(port: int, *, threads: bool, application: str = "") -> tuple[str, ...]:
    """Belfry's own; with `threads` gunicorn's threaded worker instead of the front, as it was before."""
    argv = [f"127.0.0.1:{port}" if word.startswith("fd://") else word for word in programs.web(0).argv]
    instead = {programs.FRONT: "gthread"} if threads else {}
    instead |= {"scheduler_site.wsgi:application": application} if application else {}
    return tuple(instead.get(word, word) for word in argv)


@contextmanager
def site(log: Path, *, threads: bool = False, application: str = "") -> Iterator[Site]:
    port = free_port()
    server = Server(command(port, threads=threads, application=application), log)
    server.start()
    try:
        wait_for_port(port, 60)
        yield Site(port, server)
    finally:
        server.end()


@contextmanager
def crowd(kind: str, count: int, port: int, path: str, token: str) -> Iterator[None]:
    """Hostile clients, once all of them are there."""
    argv = (sys.executable, "-m", "bench.hostile.crowd", kind, str(count), str(port), path, token)
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        process.stdout.readline()
        time.sleep(1)
        yield
    finally:
        process.kill()
        process.wait()
