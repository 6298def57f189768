"""What runs of Python classes cost: the path to their processes and the processes themselves."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from audit.record import Actor
from bench.speed import population
from bench.speed.bench import Bench
from bench.speed.figures import Line, Target
from bench.speed.noop import CODE
from bench.speed.rows.drain import PREFORK, Side, bare_side, ended, queued
from bench.speed.rows.webhooks import target
from executions.ledger import launch
from executions.models import Execution
from jobs.models import Job
from scheduler_site.celery import app

SLOTS = "8"
SAMPLE = {"job_class": "jobs.classes.sample.AwesomeJob", "args": ["a", "b"]}
REQUESTING = {"job_class": "bench.speed.jobs.Requesting"}
KIND = Job.Kind.PYTHON_CLASS
CHANGED = "from jobs.classes.base import Job\n\n\nclass Changed(Job):\n    def run(self):\n        return {number}\n"


def classes(bench: Bench) -> Iterator[Line]:
    """runs per second of Python classes from a full queue, 8 slots; beside Celery prefork -c 2 with the same class"""
    count = bench.size(300, 1000)
    rates: dict[str, list[float]] = {name: [] for name in ("sample", "requesting", PREFORK)}
    packages = "jobs.classes,bench.speed.jobs"
    with ExitStack() as stack:
        stack.enter_context(bench.belfry("code", WORKER_CODE_SLOTS=SLOTS, JOB_CLASS_PACKAGES=packages))
        sides = [_side("sample", SAMPLE, count), _side("requesting", REQUESTING, count)]
        sides.append(bare_side(bench, stack, PREFORK, ("--pool", "prefork", "-c", "2"), "bench.sample"))
        sides[0].pause()
        sides[2].pause()
        for side in sides:
            side.drain(bench, count // 2)
        for turn in range(bench.repeats):
            for side in sides[turn % 3 :] + sides[: turn % 3]:
                rates[side.name].append(side.drain(bench, count))
    note = f"{count} runs, {SLOTS} slots"
    ours = rates["sample"]
    yield Line("runs/s, sample class / Celery prefork", "/s", ours, rates[PREFORK], Target(">=", 0.8), note)
    what = "runs/s, class that imports requests / sample class"
    yield Line(what, "/s", rates["requesting"], ours, Target(">=", 0.8), note)


def _side(name: str, options: dict[str, Any], count: int) -> Side:
    due = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=1)
    jobs = population.add(count, [population.interval(due)], kind=KIND, name=name, options=options)
    return Side(
        name, app, "code", queued(jobs, due), ended, lambda: population.last("finished_at").timestamp()
    )


def burst_code(bench: Bench) -> Iterator[Line]:
    """2,000 or 10,000 jobs of code that does nothing due at one instant, 8 slots, last start; beside the floor"""
    from bench.speed.rows.burst import at_a_minute, at_the_floor

    count = bench.size(2000, 10000)
    ours, floor = [], []
    with (
        bench.belfry("beat", "code", WORKER_CODE_SLOTS=SLOTS),
        bench.bare("floor", "--pool", "threads", "-c", "8"),
    ):
        for _ in range(bench.repeats):
            ours.append(at_a_minute(bench, count, CODE))
            floor.append(at_the_floor(bench, count))
    yield Line(
        f"{count} due, last start, code / floor", "s", ours, floor, Target("<=", 1.25), f"{SLOTS} slots"
    )


def class_changed(bench: Bench) -> Iterator[Line]:
    """the file of a class is changed again and again: runs right after it that were of the code before"""
    folder = bench.path("changing")
    folder.mkdir()
    file = folder / "bench_changing.py"
    file.write_text(CHANGED.format(number=0))
    changes, old = bench.size(10, 50), 0
    packages = "jobs.classes,bench_changing"
    with bench.belfry("io", "code", JOB_CLASS_PACKAGES=packages, PYTHONPATH=str(folder)):
        options = {"job_class": "bench_changing.Changed"}
        (job,) = population.add(1, [population.interval(bench.soon(3600))], kind=KIND, options=options)
        for _ in range(3):
            _result(bench, job)
        for number in range(1, changes + 1):
            _replace(file, CHANGED.format(number=number))
            old += _result(bench, job) != str(number)
            _result(bench, job)
    yield Line(
        "runs of old code after a change",
        "",
        [float(old)],
        (),
        Target("<=", 0, "value"),
        f"{changes} changes",
    )


def _replace(file: Path, text: str) -> None:
    """As an editor or a deployment does it."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)


def _result(bench: Bench, job: Job) -> str:
    run = launch.launch(job, by=Actor.system())
    bench.wait(lambda: Execution.objects.filter(pk=run.pk, state="success").exists(), 60, "a run to end")
    return str(Execution.objects.values_list("result", flat=True).get(pk=run.pk))


def run_now(bench: Bench) -> Iterator[Line]:
    """200 runs of CurlJob that are asked for one after the other, until all have ended"""
    count = 200
    calls = bench.path("calls")
    seconds = []
    with target(bench, calls) as url, bench.belfry("io", "code"):
        options = {"job_class": "jobs.classes.curl.CurlJob", "args": [f"{url}/0/now", "GET"]}
        (job,) = population.add(
            1, [population.interval(bench.soon(3600))], kind=KIND, options=options, overlap="allow"
        )
        for _ in range(bench.repeats + 1):
            population.forget_runs()
            began = time.monotonic()
            for _number in range(count):
                launch.launch(job, by=Actor.system())
            bench.wait(lambda: population.ended() >= count, 120, "the runs to end")
            seconds.append(time.monotonic() - began)
            population.must_be_well()
    note = "the first time left out, in which the class is imported"
    yield Line(
        f"{count} run-now of CurlJob until ended", "s", seconds[1:], (), Target("<=", 2.4, "value"), note
    )


def classes_due(bench: Bench) -> Iterator[Line]:
    """100 Python classes due at one minute: from the first call to the last"""
    count, spans = 100, []
    trace = bench.path("trace")
    with bench.belfry("beat", "io", "code"):
        options = {"job_class": "bench.faults.jobs.Mark", "args": [str(trace)]}
        for _ in range(bench.repeats + 1):
            bench.forget()
            trace.unlink(missing_ok=True)
            due = bench.soon(8)
            population.add(count, [population.interval(due)], kind=KIND, options=options)
            bench.wait(lambda: population.ended() >= count, 120, "the runs to end")
            population.must_be_well()
            begun = [at for _slot, at in population.traced(trace)]
            spans.append(max(begun) - min(begun))
    note = f"spread {statistics.pstdev(spans[1:]):.2f} s"
    yield Line(f"{count} classes due, first to last", "s", spans[1:], (), Target("<=", 1, "value"), note)
