"""What a script costs beyond its interpreter, and whether anybody notices that fifty of them run at once."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from django.db import transaction
from django.test import override_settings

from bench.speed import population
from bench.speed.bench import Bench
from bench.speed.figures import Line, Target, spread
from bench.speed.noop import IO
from bench.speed.rows.api import Clients, web
from environments import home_directory
from environments.models import Environment
from executions.models import Execution
from jobs.children import client
from jobs.models import Job, Script
from jobs.runners import Context, Spec
from jobs.runners.script import ScriptRunner

AT_ONCE = 50
# A second of processor time each, and memory that is looked at.
WORK = "import time\nheld = bytes(20 << 20)\nwhile time.process_time() < 1: sum(range(1000))\n"
TICKS = 20  # seconds in which something is due each second, before the scripts and while they run


def script_cost(bench: Bench) -> Iterator[Line]:
    """processor time of an empty script in worker thread, fork server, supervisor and child, without that of its interpreter"""
    root, environment = _environment(bench)
    python = str(root / environment.hex / "prefix/bin/python")
    runs = bench.size(50, 200)
    own: list[float] = []
    bare: list[float] = []
    with override_settings(ENVIRONMENTS_DIR=root, ARTIFACTS_DIR=root / "artifacts"):
        _run_empty(environment)
        for _ in range(bench.repeats):
            before = time.thread_time() + _server()
            for _ in range(runs):
                _run_empty(environment)
            spent = time.thread_time() + _server() - before
            bare.append(1000 * _interpreter(python, runs) / runs)
            own.append(1000 * spent / runs - bare[-1])
    note = f"{runs} runs each; the interpreter alone takes {spread(bare)['p50']:.1f} ms"
    yield Line("own cost of an empty script", "ms", own, (), Target("<", 10, "value"), note)


def scripts_at_once(bench: Bench) -> Iterator[Line]:
    """50 scripts at once, a second of CPU each: answers of the API and lateness of other jobs, beside idle"""
    root, environment = _environment(bench)
    row, _ = Environment.objects.update_or_create(
        name="bench", defaults={"uid": environment, "backend": "pypi", "state": Environment.State.READY}
    )
    variables = {"ENVIRONMENTS_DIR": str(root), "ARTIFACTS_DIR": str(root), "WORKER_CODE_SLOTS": str(AT_ONCE)}
    with bench.belfry("beat", "io", "code", **variables), web(bench) as port:
        due = bench.soon(TICKS + 10)
        with transaction.atomic():
            Script.keep({"script": WORK})
        values: dict[str, Any] = {"kind": Job.Kind.SCRIPT, "options": {"script": WORK}, "environment": row}
        jobs = population.add(AT_ONCE, [population.interval(due)], name="script", **values)
        start = due.timestamp() - TICKS
        timings = [population.interval(bench.at(start + second)) for second in range(2 * TICKS)]
        population.add(2 * TICKS, timings, name="tick", kind=IO)
        with Clients(port, jobs[0]) as clients:
            bench.wait(lambda: population.ended() >= AT_ONCE + 2 * TICKS, 300, "the runs to end")
        population.must_be_well()
        began, ended = due.timestamp(), population.last("finished_at", kind="script").timestamp()
        answers = [
            spread(clients.between("job", first, last))
            for first, last in ((began, ended), (clients.warm_at, began - 0.5))
        ]
        late = [spread(_late(first, last)) for first, last in ((began, ended), (start, began - 0.5))]
    note = f"{AT_ONCE} scripts of 1 s in {ended - began:.0f} s on {os.cpu_count()} cores"
    for name in ("p50", "max"):
        yield Line(
            f"API job, {name}, with scripts / idle", "s", [answers[0][name]], [answers[1][name]], None, note
        )
        yield Line(f"first line of a due job, {name}", "s", [late[0][name]], [late[1][name]], None, note)


def _late(first: float, last: float) -> list[float]:
    """Of the jobs that do nothing, due in this time: seconds from due to their first line."""
    runs = Execution.objects.filter(kind=IO).values_list("scheduled_for", "result")
    return [float(text) - due.timestamp() for due, text in runs if due and first <= due.timestamp() <= last]


def _environment(bench: Bench) -> tuple[Path, uuid.UUID]:
    """The directory of environments with one in it, and its id."""
    root, uid = bench.path("environments"), uuid.uuid4()
    prefix = root / uid.hex / "prefix"
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(prefix)), check=True)
    python, version = str(prefix / "bin/python"), ".".join(map(str, sys.version_info[:3]))
    home_directory.write(root / uid.hex, home_directory.Description("pypi", str(prefix), python, version))
    return root, uid


def _run_empty(environment: uuid.UUID) -> None:
    spec = Spec(
        str(uuid.uuid4()), 1, "1", "empty", "script", {"script": "pass\n"}, environment=environment.hex
    )
    outcome = ScriptRunner().run(Context(spec, threading.Event(), _ignore))
    if outcome.state != "success":
        raise RuntimeError(f"An empty script ended as {outcome.state}: {outcome.message}")


def _ignore(text: str) -> None:
    """What an empty script writes."""


def _server() -> float:
    """CPU seconds of the fork server and of everything that it has waited for."""
    times = psutil.Process(client.run.__self__.server_pid).cpu_times()  # type: ignore[attr-defined]
    return float(times.user + times.system + times.children_user + times.children_system)


def _interpreter(python: str, times: int) -> float:
    """CPU seconds of so many starts of the same interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        subprocess.run((python, "-c", ""), check=True, env={})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
