"""How soon after its due time a job does its first thing, when there is little else to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.speed import population
from bench.speed.bench import Bench
from bench.speed.figures import Line, Target, spread
from bench.speed.noop import CODE, IO
from bench.speed.rows.webhooks import target
from executions.models import Execution
from jobs.models import Job

KINDS = {
    "webhook": "webhook, due until its server has the call",
    IO: "job that does nothing, pool io, first line",
    CODE: "job that does nothing, pool code, first line",
    "class": "Python class, due until the first line",
}


def first_start(bench: Bench) -> Iterator[Line]:
    """one run a second: from the due instant to the first line of the run"""
    count = bench.size(15, 100)
    calls, trace = bench.path("calls"), bench.path("class")
    with target(bench, calls) as url, bench.belfry("beat", "io", "code"):
        _warm(bench, url, trace)
        due = _due_one_by_one(bench, count, url, trace)
        bench.wait(lambda: population.ended() >= len(due), len(due) + 60, "the runs to end")
        population.must_be_well()
        late = _late(due, calls, trace)
    for kind, what in KINDS.items():
        found = spread(late[kind])
        targets = (
            {} if kind == "class" else {"p50": Target("<=", 0.1, "value"), "p99": Target("<=", 1, "value")}
        )
        for name in ("p50", "p99"):
            yield Line(
                f"{what}, {name}", "s", [found[name]], (), targets.get(name), f"{len(late[kind])} runs"
            )


def _add(kind: str, number: int, due: dt.datetime, url: str, trace: Path) -> None:
    values: dict[str, Any] = {"kind": kind}
    if kind == "webhook":
        values["options"] = {"target_url": f"{url}/0/{due.timestamp()}"}
    elif kind == "class":
        options = {"job_class": "bench.faults.jobs.Mark", "args": [str(trace)]}
        values = {"kind": Job.Kind.PYTHON_CLASS, "options": options}
    population.add(1, [population.interval(due)], name=f"{kind}-{number}", **values)


def _warm(bench: Bench, url: str, trace: Path) -> None:
    """What a worker imports with the first run of a kind is not part of any later one."""
    due = bench.soon()
    for kind in KINDS:
        _add(kind, 0, due, url, trace)
    bench.wait(lambda: population.ended() >= len(KINDS), 60, "the first runs to end")
    bench.forget()


def _due_one_by_one(bench: Bench, count: int, url: str, trace: Path) -> dict[float, str]:
    """The kinds by their due times, a second apart."""
    start = bench.soon(3 + count / 20)
    found: dict[float, str] = {}
    for number in range(count):
        for kind in KINDS:
            due = start + dt.timedelta(seconds=len(found))
            _add(kind, number, due, url, trace)
            found[due.timestamp()] = kind
    return found


def _late(due: dict[float, str], calls: Path, trace: Path) -> dict[str, list[float]]:
    noted = [line.split() for line in calls.read_text().splitlines()]
    begun = {float(slot): float(at) for slot, at in noted}
    begun.update(population.traced(trace))
    for run in Execution.objects.filter(kind__in=(IO, CODE)).only("result", "due_at"):
        begun[run.due_at.timestamp()] = float(run.result)
    late: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for moment, kind in due.items():
        late[kind].append(begun[moment] - moment)
    return late
