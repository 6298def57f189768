"""Many calls that wait at the same time, and what they do to the jobs behind them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.faults.installation import Installation
from bench.servers.process import Server, free_port, wait_for_port
from bench.speed import population
from bench.speed.alternatives import bare
from bench.speed.bench import Bench
from bench.speed.figures import Line, Target
from jobs.models import Job

CALLS, BEHIND, APS_CALLS, THREADS = 500, 10, 50, 100


def webhooks(bench: Bench) -> Iterator[Line]:
    """500 webhooks of 1 s due at once, and the code jobs behind them; beside Celery threads-100 and APScheduler threads-10"""
    ours: list[float] = []
    celery: list[float] = []
    aps: list[float] = []
    behind: list[float] = []
    memory: list[float] = []
    with (
        target(bench, bench.path("calls")) as url,
        bench.belfry("beat", "io", "code") as system,
        bench.bare("calls", "--pool", "threads", "-c", str(THREADS)),
    ):
        _belfry(bench, system, url, 5, [], [])
        for _ in range(bench.repeats):
            ours.append(_belfry(bench, system, url, CALLS, behind, memory))
            celery.append(_celery(bench, url))
            aps.append(_aps(bench, url))
    until = "s, due until the last ended"
    yield Line(f"{CALLS} webhooks of 1 {until}", "s", ours, (), Target("<=", 2, "value"))
    yield Line(f"{CALLS} webhooks of 1 s / Celery threads-{THREADS}", "s", ours, celery)
    yield Line(
        f"{CALLS} webhooks of 1 s / APScheduler", "s", ours, aps, None, f"APScheduler: {APS_CALLS} only"
    )
    yield Line(f"{BEHIND} code jobs behind them, last start", "s", behind, (), Target("<", 1, "value"))
    # Later bursts use the memory of the first one again.
    yield Line(
        "memory per waiting webhook", "kB", memory[:1], (), Target("<=", 200, "value"), "the first burst"
    )


@contextmanager
def target(bench: Bench, calls: Path) -> Iterator[str]:
    """The server that is called, which notes the calls; its address."""
    port = free_port()
    with bench.other("bench.speed.target", str(port), str(calls)):
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"


def _belfry(
    bench: Bench, system: Installation, url: str, count: int, behind: list[float], memory: list[float]
) -> float:
    bench.forget()
    due, trace = bench.soon(), bench.path("behind")
    timing = [population.interval(due)]
    jobs = population.add(count, timing, kind=Job.Kind.WEBHOOK, options={"target_url": f"{url}/1/belfry"})
    options = {"job_class": "bench.faults.jobs.Mark", "args": [str(trace)]}
    jobs += population.add(BEHIND, timing, kind=Job.Kind.PYTHON_CLASS, name="code", options=options)
    with Peak(system["io"]) as peak:
        bench.wait(lambda: population.ended() >= len(jobs), 120, "the webhooks to end")
    population.must_be_well()
    behind.append(max(at - slot for slot, at in population.traced(trace)))
    memory.append(peak.growth / 1000 / count)
    return (population.last("finished_at", kind=Job.Kind.WEBHOOK) - due).total_seconds()


def _celery(bench: Bench, url: str) -> float:
    notes = bench.path("celery")
    due = time.time()
    with bare.app.producer_or_acquire() as producer:
        for _ in range(CALLS):
            bare.call.apply_async((f"{url}/1/celery", str(notes)), queue="calls", producer=producer)
    return bench.noted(notes, CALLS, 300) - due


def _aps(bench: Bench, url: str) -> float:
    notes, due = bench.path("aps"), time.time() + 4
    with bench.other("bench.speed.alternatives.aps", str(APS_CALLS), str(due), str(notes), f"{url}/1"):
        return bench.noted(notes, APS_CALLS, 300) - due


class Peak:
    """How much resident memory a process gains meanwhile, in bytes; looks twenty times a second."""

    def __init__(self, server: Server) -> None:
        assert server.process
        self._process = psutil.Process(server.process.pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.growth = 0

    def __enter__(self) -> Peak:
        self._before = self._process.memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self.growth = max(self.growth, self._process.memory_info().rss - self._before)
