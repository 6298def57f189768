"""How fast a queue that is full becomes empty."""

from __future__ import annotations

import datetime as dt
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg
from celery import Celery

from bench.speed import population
from bench.speed.alternatives import bare
from bench.speed.bench import Bench, Cost
from bench.speed.figures import Line, Target
from bench.speed.noop import CODE, IO
from executions.ledger.due.tick import tick
from executions.ledger.publish import publish
from jobs.models import Job
from scheduler_site.celery import app

PREFORK, THREADS = "prefork -c 2", "threads -c 32"
# As many runs of code at once as the other has threads.
SLOTS = "32"
LONGEST = 300


@dataclass
class Side:
    """A worker that takes messages only in its turn; `fill` queues runs, `done` counts those that ended, `last` is when
    the last one did (seconds since 1970)."""

    name: str
    app: Celery
    queue: str
    fill: Callable[[int], None]
    done: Callable[[], int]
    last: Callable[[], float]

    def pause(self) -> None:
        told = self.app.control.cancel_consumer(
            self.queue, destination=[self._worker], reply=True, timeout=10
        )
        if not told:
            raise RuntimeError(f"{self._worker} does not say that it pauses, and would begin too soon.")
        # The transport asks for messages a second at a time, and would still take one.
        time.sleep(1.5)

    def drain(self, bench: Bench, count: int) -> float:
        """Runs per second."""
        self.fill(count)
        began = time.time()
        self.app.control.add_consumer(self.queue, destination=[self._worker])
        bench.wait(lambda: self.done() >= count, LONGEST, f"{self.name} to drain")
        # Meanwhile what is counted reaches the counters, which the database gathers about once a second.
        self.pause()
        return count / (self.last() - began)

    @property
    def _worker(self) -> str:
        return f"{self.queue}@{socket.gethostname()}"


def drain(bench: Bench) -> Iterator[Line]:
    """runs per second from a full queue, queries and new database sessions per run; beside bare Celery, three raw writes"""
    count = bench.size(1000, 5000)
    costs: dict[str, list[Cost]] = {IO: [], CODE: []}
    rates: dict[str, list[float]] = {name: [] for name in (IO, CODE, PREFORK, THREADS)}
    with ExitStack() as stack:
        sides = [*_belfry(bench, stack, count), *_bare(bench, stack)]
        for side in sides:
            side.pause()
        for side in sides:
            side.drain(bench, min(count, 100))
        for turn in range(bench.repeats):
            for side in sides[turn % 4 :] + sides[: turn % 4]:
                with bench.counted(costs.get(side.name, [])):
                    rates[side.name].append(side.drain(bench, count))
    note = f"{count} runs, {SLOTS} slots for code"
    yield Line("runs/s, pool io / Celery threads", "/s", rates[IO], rates[THREADS], Target(">=", 0.8), note)
    yield Line(
        "runs/s, pool code / Celery threads", "/s", rates[CODE], rates[THREADS], Target(">=", 0.8), note
    )
    yield Line("runs/s, pool io / Celery prefork", "/s", rates[IO], rates[PREFORK], Target(">=", 0.8), note)
    yield Line(
        "runs/s, pool code / Celery prefork", "/s", rates[CODE], rates[PREFORK], Target(">=", 0.8), note
    )
    for kind, pool in ((IO, "io"), (CODE, "code")):
        yield from _costs(pool, costs[kind], count)


def _costs(pool: str, costs: list[Cost], count: int) -> Iterator[Line]:
    brackets = sum(cost.brackets for cost in costs) / len(costs) / count
    queries, sessions = [c.queries / count for c in costs], [c.sessions / count for c in costs]
    note = f"and {brackets:.2f} statements that begin or end a transaction"
    yield Line(f"queries per run, pool {pool}", "", queries, (), Target("<=", 5, "value"), note)
    yield Line(f"new database sessions per run, pool {pool}", "", sessions, (), Target("<", 0.01, "value"))


def _belfry(bench: Bench, stack: ExitStack, count: int) -> list[Side]:
    stack.enter_context(bench.belfry("io", "code", WORKER_CODE_SLOTS=SLOTS))
    due = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=1)
    sides = []
    for kind, name in ((IO, "io"), (CODE, "code")):
        jobs = population.add(count, [population.interval(due)], kind=kind, name=kind)
        sides.append(
            Side(
                kind, app, name, queued(jobs, due), ended, lambda: population.last("finished_at").timestamp()
            )
        )
    return sides


def queued(jobs: list[Job], due: dt.datetime) -> Callable[[int], None]:
    """Through the tick itself: the rows and the messages are what they are in operation."""

    def fill(count: int) -> None:
        population.forget_runs()
        population.make_due(jobs[:count], due)
        tick(dt.datetime.now(dt.UTC), publish)

    return fill


def ended() -> int:
    """Raises RuntimeError when one did not end well."""
    population.must_be_well()
    return population.ended()


def _bare(bench: Bench, stack: ExitStack) -> list[Side]:
    pools = {PREFORK: ("--pool", "prefork", "-c", "2"), THREADS: ("--pool", "threads", "-c", "32")}
    return [bare_side(bench, stack, name, pool) for name, pool in pools.items()]


def bare_side(
    bench: Bench, stack: ExitStack, name: str, pool: tuple[str, ...], task: str = "bench.record"
) -> Side:
    """A worker of bare Celery, whose task keeps a record in three statements."""
    database = stack.enter_context(
        psycopg.connect(bench.database("other", scheme="postgresql"), autocommit=True)
    )
    database.execute(bare.TABLE)
    queue = name.split()[0]

    def single(query: str) -> float:
        row = database.execute(query.encode()).fetchone()
        return float(row[0]) if row else 0.0

    def send(count: int) -> None:
        database.execute("TRUNCATE bare_run")
        with bare.app.producer_or_acquire() as producer:
            for key in range(count):
                bare.app.signature(task).apply_async((key,), queue=queue, producer=producer)

    stack.enter_context(bench.bare(queue, *pool))
    return Side(
        name,
        bare.app,
        queue,
        send,
        lambda: int(single("SELECT count(*) FROM bare_run WHERE state = 'success'")),
        lambda: single("SELECT extract(epoch FROM max(finished_at)) FROM bare_run"),
    )
