"""Whether people notice that a thousand jobs fall due."""

from __future__ import annotations

import http.client
import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from accounts.models import User
from accounts.signin import json_web_tokens
from bench.servers.process import Server, free_port, wait_for_port
from bench.speed import population
from bench.speed.bench import PROGRAMS, Bench
from bench.speed.figures import Line, Target, spread
from bench.speed.noop import CODE, IO
from jobs.models import Job
from scheduler_site.running import programs

DUE = 1000
# How often each is asked for, per second. The list names every job, a megabyte for a thousand: asked for much more often,
# it keeps two cores busy by itself, and what is measured is a queue.
PACE = {"list": 1.0, "job": 5.0}
WARM = 20


def api_burst(bench: Bench) -> Iterator[Line]:
    """p99 of the API (list and one job, JWT) while 1,000 runs fall due, beside idle"""
    idle: dict[str, list[float]] = {path: [] for path in PACE}
    burst: dict[str, list[float]] = {path: [] for path in PACE}
    took: list[float] = []
    with bench.belfry("beat", "io", "code"), web(bench) as port:
        for _ in range(bench.repeats):
            bench.forget()
            due = bench.soon(30)
            timing = [population.interval(due)]
            jobs = population.add(DUE // 2, timing, kind=IO, name="io")
            jobs += population.add(DUE // 2, timing, kind=CODE, name="code")
            with Clients(port, jobs[0]) as clients:
                bench.wait(lambda: population.ended() >= DUE, 120, "the runs to end")
            population.must_be_well()
            first, last = due.timestamp(), population.last("finished_at").timestamp()
            took.append(last - first)
            for path in PACE:
                idle[path] += clients.between(path, clients.warm_at, first - 0.5)
                burst[path] += clients.between(path, first, last)
    _must_keep_up(idle)
    for path in PACE:
        counts = f"{len(burst[path])} answers in bursts of {max(took):.1f} s at most, {len(idle[path])} before them"
        for name, target in (("p50", None), ("p99", Target("<=", 2))):
            sides = [spread(burst[path])[name]], [spread(idle[path])[name]]
            yield Line(f"API {path}, {name} while {DUE} fall due / idle", "s", *sides, target, counts)


def _must_keep_up(idle: dict[str, list[float]]) -> None:
    """Raises RuntimeError when requests queue already when nothing is due: beside that, any burst would look harmless."""
    for path, seconds in idle.items():
        if spread(seconds)["p50"] > 0.5 / PACE[path]:
            raise RuntimeError(
                f"the machine is too busy: idle, the {path} takes {spread(seconds)['p50']:.2f} s"
            )


@contextmanager
def web(bench: Bench) -> Iterator[int]:
    """Gunicorn with Belfry's own options, on a port of its own."""
    port = free_port()
    argv = [f"127.0.0.1:{port}" if word.startswith("fd://") else word for word in programs.web(0).argv]
    web = Server(argv, bench.path("web.log"), env={"DATABASE_URL": bench.database("postgres", PROGRAMS)})
    web.start()
    try:
        wait_for_port(port)
        yield port
    finally:
        web.end()


class Clients:
    """One person for the list of jobs and one for a single job, each at an even pace whatever the answers take."""

    def __init__(self, port: int, job: Job) -> None:
        user, _ = User.objects.get_or_create(username="bench", defaults={"role": User.Role.ADMIN})
        self._headers = {"Authorization": f"Bearer {json_web_tokens.issue(user)[0]}"}
        self._port, self._urls = port, {"list": "/api/v2/jobs", "job": f"/api/v2/jobs/{job.uid}"}
        self._until = math.inf
        self._warm = threading.Barrier(len(PACE) + 1)
        self.warm_at = math.inf
        # By path: when each was meant to be sent (seconds since 1970), and the seconds from then to its answer.
        self._answers: dict[str, list[tuple[float, float]]] = {path: [] for path in PACE}
        self._threads = [threading.Thread(target=self._ask, args=(path,)) for path in PACE]
        self._wrong: list[str] = []

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        self._warm.wait(120)
        self.warm_at = time.time()
        return self

    def __exit__(self, *_: object) -> None:
        # What should have been asked by now is still asked: leaving out the slowest would flatter.
        self._until = time.time()
        for thread in self._threads:
            thread.join()
        if self._wrong:
            raise RuntimeError(f"The API answered {self._wrong[0]}")

    def between(self, path: str, first: float, last: float) -> list[float]:
        return [seconds for at, seconds in self._answers[path] if first <= at <= last]

    def _ask(self, path: str) -> None:
        try:
            for _ in range(WARM):
                self._get(path)
            self._warm.wait(120)
            at = time.time()
            while at <= self._until:
                time.sleep(max(0.0, at - time.time()))
                self._get(path)
                self._answers[path].append((at, time.time() - at))
                at += 1 / PACE[path]
        except (OSError, http.client.HTTPException, threading.BrokenBarrierError) as error:
            # An error in a thread would go unnoticed.
            self._wrong.append(repr(error))
            self._warm.abort()

    def _get(self, path: str) -> None:
        """On a connection of its own, as scripts do it. Raises HTTPException when the answer is not what was asked for."""
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request("GET", self._urls[path], headers=self._headers)
            answer = connection.getresponse()
            body = answer.read()
        if answer.status != http.HTTPStatus.OK or not json.loads(body):
            raise http.client.HTTPException(f"{answer.status} {body[:200]!r}")
