"""Very many jobs due at the same instant, and how late the last of them starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg

from bench.speed import population
from bench.speed.alternatives import floor
from bench.speed.bench import Bench
from bench.speed.figures import Line, Target
from bench.speed.noop import CODE, IO

STOCK = 1000


def burst_10k(bench: Bench) -> Iterator[Line]:
    """10,000 jobs due at one instant, until the last has started; beside the floor, stock django-celery-beat and APScheduler"""
    count = bench.size(2000, 10000)
    late: dict[str, list[float]] = {name: [] for name in (IO, CODE, "floor", "small", "stock", "aps")}
    with ExitStack() as stack:
        stack.enter_context(bench.belfry("beat", "io", "code"))
        stack.enter_context(bench.bare("floor", "--pool", "threads", "-c", "8"))
        stack.enter_context(bench.bare("stock", "--pool", "threads", "-c", "8"))
        for _ in range(bench.size(1, 3)):
            late[IO].append(at_a_minute(bench, count, IO))
            late["floor"].append(at_the_floor(bench, count))
            late[CODE].append(at_a_minute(bench, count, CODE))
            late["small"].append(at_a_minute(bench, STOCK, IO))
            late["stock"].append(_stock(bench))
            late["aps"].append(_aps(bench))
    what = f"{count} due, last start"
    yield Line(f"{what}, pool io / floor", "s", late[IO], late["floor"], Target("<=", 1.25))
    yield Line(f"{what}, pool code / floor", "s", late[CODE], late["floor"], Target("<=", 1.25))
    note = f"both with {STOCK} jobs"
    yield Line(
        f"{STOCK} due, last start, pool io / stock beat", "s", late["small"], late["stock"], None, note
    )
    note += ", APScheduler's in memory and without any record"
    yield Line(f"{STOCK} due, last start, pool io / APScheduler", "s", late["small"], late["aps"], None, note)


def at_a_minute(bench: Bench, count: int, kind: str, *, name: str = "job") -> float:
    """Adds jobs that are due at the next minute; how late the last of them began, in seconds."""
    if name == "job":
        bench.forget()
    due = bench.minute(count / 1000 + 3)
    jobs = population.add(count, [population.hourly(due)], kind=kind, name=name)
    bench.wait(lambda: population.ended(scheduled_for=due) >= len(jobs), 300, f"{count} runs to end")
    population.must_be_well()
    return population.last_line(scheduled_for=due) - due.timestamp()


def at_the_floor(bench: Bench, count: int) -> float:
    """The same for a poll of an indexed column and a bare task."""
    due, notes = bench.soon().timestamp(), bench.path("floor")
    url = bench.database("other", scheme="postgresql")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(floor.TABLES)
        database.execute(floor.FILL, (due, count))
        database.execute("VACUUM ANALYZE floor_job")
    argv = ("bench.speed.alternatives.floor", str(due), str(notes))
    with bench.other(*argv, BENCH_BROKER=bench.broker(1), BENCH_DATABASE=url):
        return bench.noted(notes, count, 300) - due


def _stock(bench: Bench) -> float:
    due, notes = bench.minute(20), bench.path("stock")
    bench.stock("fill", str(STOCK), str(STOCK), str(due.minute), str(notes))
    with bench.stock_beat():
        return bench.noted(notes, STOCK, 300) - due.timestamp()


def _aps(bench: Bench) -> float:
    notes, due = bench.path("aps"), bench.soon().timestamp()
    with bench.other("bench.speed.alternatives.aps", str(STOCK), str(due), str(notes)):
        return bench.noted(notes, STOCK, 300) - due
