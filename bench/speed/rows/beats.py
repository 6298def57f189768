"""What a beat costs that has nothing to do, and how it takes notice of a change."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import psutil

from audit.record import Actor
from bench.faults.installation import Installation
from bench.servers.process import Server
from bench.speed import population
from bench.speed.bench import Bench, Cost
from bench.speed.figures import Line, Target
from executions.models import Execution
from jobs import verbs
from jobs.models import Job
from jobs.models.stored_schedule import Timing

STOCK, EDITS, APART = 10_000, 20, 1.5


def beat(bench: Bench) -> Iterator[Line]:
    """a beat with 100,000 jobs: start, idle CPU, memory, an edit; beside stock django-celery-beat with 10,000"""
    total = bench.many
    seconds = bench.size(15, 60)
    bench.empty()
    population.fill(total)
    ours = _belfry(bench, seconds)
    other = _stock(bench, seconds)
    note = f"{total} jobs; stock {STOCK}"
    bounds = {"start": 3, "idle": 5, "edit": 2, "memory": 200}
    whats = {
        "start": ("start until it lives; stock: until it sends", "s"),
        "idle": ("CPU per idle tick (one a second)", "ms"),
        "all": ("CPU of all its threads per idle second; ours reconciles too", "ms"),
        "edit": ("an edit that makes a job due, until it fires", "s"),
        "memory": ("resident memory, after the edit", "MB"),
    }
    for key, (what, unit) in whats.items():
        target = Target("<=", bounds[key], "value") if key in bounds else None
        yield Line(what, unit, ours[key], other[key], target, note)
    note = f"{EDITS} edits; two idle times differ by {ours['noise'][0]:.1f} an edit"
    for key, what in (("known", "a schedule others have"), ("new", "a new schedule")):
        yield Line(f"queries per edit to {what}", "", ours[key], (), Target("<=", 5, "value"), note)


def _belfry(bench: Bench, seconds: int) -> dict[str, list[float]]:
    system = Installation(bench.directory)
    began = time.time()
    try:
        bench.start(system, "beat")
        start = time.time() - began
        time.sleep(5)
        idle, everything = _cpu(system["beat"], seconds)
        queries, noise = _queries_of_an_edit(bench)
        edits = [_edit(bench) for _ in range(5)]
        memory = _memory(system["beat"])
    finally:
        system.stop()
    found = {"start": [start], "idle": [idle], "all": [everything], "edit": edits, "memory": [memory]}
    return {**found, "noise": [noise], **queries}


def _queries(bench: Bench, edits: Callable[[int], Timing] | None) -> int:
    """The beat's statements during EDITS edits, each noticed by itself; or in as much idle time."""
    found: list[Cost] = []
    began = time.monotonic()
    with bench.counted(found):
        for number in range(EDITS):
            if edits:
                _reschedule(edits(number))
            time.sleep(max(0.0, began + APART * (number + 1) - time.monotonic()))
    return found[0].queries


def _queries_of_an_edit(bench: Bench) -> tuple[dict[str, list[float]], float]:
    """How many more statements than in idle time, by edit, and how far two idle times are apart by themselves.

    The beat has other things to do now and then, so a difference below that noise says nothing, and may be negative.
    """
    shared, first = population.far(dt.datetime.now(dt.UTC)), _queries(bench, None)
    known = _queries(bench, lambda number: shared[number])
    # Hours that no other job has: a new row of django-celery-beat's, which its scheduler takes as a reason to reload.
    new = _queries(bench, lambda number: _new(shared[2 * number]))
    idle = [first, _queries(bench, None)]
    base = sum(idle) / 2
    return {"known": [(known - base) / EDITS], "new": [(new - base) / EDITS]}, abs(idle[0] - idle[1]) / EDITS


def _new(timing: Timing) -> Timing:
    return replace(timing, expression=f"{timing.expression.split()[0]} 0-22 * * *")


def _edit(bench: Bench) -> float:
    """Seconds from the edit to the ledger row of a job that it makes due at the next whole second."""
    # Far enough away that it cannot have passed when the edit is stored.
    due = bench.soon(1.3)
    _reschedule(population.interval(due))
    stored = time.time()
    bench.wait(Execution.objects.filter(scheduled_for=due).exists, 60, "the edited job to be due")
    return Execution.objects.get(scheduled_for=due).created_at.timestamp() - stored


def _reschedule(timing: Timing) -> None:
    job = Job.objects.order_by("pk").last()
    assert job
    verbs.update(job, verbs.JobChanges({}, timing), by=Actor.system())


def _stock(bench: Bench, seconds: int) -> dict[str, list[float]]:
    """Its start is measured last, with the entry that is due every second: so it can be seen to send."""
    first, second = bench.path("stock"), bench.path("stock")
    bench.stock("fill", "0", str(STOCK), str(dt.datetime.now(dt.UTC).minute), str(first))
    with bench.bare("stock", "--pool", "solo"):
        with bench.stock_beat() as server:
            time.sleep(15)
            idle, everything = _cpu(server, seconds)
            if first.exists():
                raise RuntimeError("the stock beat was to be idle, but sent something")
            stored = float(bench.stock("edit", str(second)))
            edit = bench.first_note(second, 120) - stored
            memory = _memory(server)
        # The job of the edit is now one that is due at the start.
        second.unlink()
        began = time.time()
        with bench.stock_beat():
            start = bench.first_note(second, 120) - began
    return {"start": [start], "idle": [idle], "all": [everything], "edit": [edit], "memory": [memory]}


def _cpu(server: Server, seconds: int) -> tuple[float, float]:
    """Milliseconds of CPU per second: of the thread that ticks, and of all threads."""
    process = _process(server)
    before, began = _used(process), time.monotonic()
    time.sleep(seconds)
    after, took = _used(process), time.monotonic() - began
    own, everything = ((after[part] - before[part]) * 1000 / took for part in range(2))
    return own, everything


def _used(process: psutil.Process) -> tuple[float, float]:
    seconds = {thread.id: thread.user_time + thread.system_time for thread in process.threads()}
    return seconds[process.pid], sum(seconds.values())


def _memory(server: Server) -> float:
    return float(_process(server).memory_info().rss) / 1e6


def _process(server: Server) -> psutil.Process:
    assert server.process
    return psutil.Process(server.process.pid)
