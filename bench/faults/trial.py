"""One trial: an empty installation, jobs under watch, a fault, and what the checker says of it."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.utils import Error
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.models import Category
from audit.record import Actor
from bench.faults.checker import Findings, Grid, Moments, Row, Trace, Watched, check
from bench.faults.clock import Clock
from bench.faults.installation import Installation, eventually
from bench.servers.process import Server, free_port, wait_for_port
from bench.servers.stack import Stack
from executions.models import OPEN, Drain, Execution, Heartbeat, Hold, LogChunk, State
from incidents.models import Incident
from jobs import verbs
from jobs.models import Job, stored_schedule
from jobs.models.stored_schedule import Timing

# So long the promise allows until a lost run is known; what is open then is stuck.
SETTLE = 60.0


class Unavailable(Exception):
    """This fault cannot be had on this stack or this machine; the text says why."""


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


@dataclass
class Trial:
    """What a fault has at hand."""

    stack: Stack
    system: Installation
    directory: Path
    fast: bool = False
    size: int = 2000
    minutes: float = 30.0
    watched: list[Watched] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recorder: Server | None = None
    hurt_at: float = 0.0
    # No worker is ever gone: nothing may be lost.
    loses_nothing: bool = False
    # Violations that only the fault itself can see.
    wrong: list[str] = field(default_factory=list)
    # What is to be undone when the programs have ended.
    after: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.clock = Clock(self.directory)

    @property
    def traces(self) -> Path:
        return self.directory / "traces"

    def job(self, name: str, every: int, *, seconds: float = 0.0, ending: str = "well", back: int = 0,
            ahead: int = 3, job_class: str = "bench.faults.jobs.Mark", watch: bool = True, **values: Any) -> Job:  # fmt: skip
        """A job on a grid of whole seconds that begins `ahead` of now; `back`: seconds of it that have passed already."""
        anchor = math.ceil(self.clock.now()) + ahead
        if back:
            anchor -= math.ceil(back / every) * every
        timing = Timing("interval", every=every, period="seconds", start=_moment(anchor))
        options = {"job_class": job_class, "args": [str(self.traces), seconds, ending]}
        job = self._add(name, timing, {"options": options} | values)
        if back:
            Job.objects.filter(pk=job.pk).update(next_run_at=_moment(anchor))
            job.refresh_from_db()
        if watch:
            self._watch(job, Grid(anchor, every))
        return job

    def cron(self, expression: str, zone: str, times: tuple[int, ...]) -> Job:
        """A short job on a cron expression, expected at these times."""
        timing = Timing("cron", expression, zone)
        options = {"job_class": "bench.faults.jobs.Mark", "args": [str(self.traces)]}
        job = self._add(expression, timing, {"options": options})
        self._watch(job, Moments(times))
        return job

    def by_hand(self, name: str) -> Job:
        """A short job without a schedule."""
        return self._add(
            name, None, {"options": {"job_class": "bench.faults.jobs.Mark", "args": [str(self.traces)]}}
        )

    def _add(self, name: str, timing: Timing | None, values: dict[str, Any]) -> Job:
        own = {"name": name, "kind": Job.Kind.PYTHON_CLASS, "category": Category.general()}
        own |= {"stop_grace": 1, "overlap": "allow", "start_deadline": 3600}
        with self.clock.in_this_process():
            return verbs.create(verbs.JobChanges({**own, **values}, timing), by=Actor.system())

    def _watch(self, job: Job, times: Grid | Moments) -> None:
        alone = job.overlap != Job.Overlap.ALLOW
        repeats = job.rerun_lost or job.max_attempts > 1
        self.watched.append(Watched(job.name, (times,), repeats, alone))

    def mix(self) -> None:
        """The usual load: short runs, longer ones, ones that must not overlap, ones that may be repeated."""
        self.job("short a", 2)
        self.job("short b", 3)
        self.job("long", 5, seconds=4)
        self.job("one at a time", 4, seconds=1.5, overlap="queue")
        self.job("repeatable", 6, seconds=4, rerun_lost=True)
        self.webhooks(2)

    def webhooks(self, count: int, *, every: int = 0, seconds: float = 1.5) -> None:
        """Jobs that call a recorder, which takes a moment to answer; on one interval, or on one for each."""
        port = free_port()
        argv = (sys.executable, "-m", "bench.faults.recorder", str(port), str(self.traces))
        self.recorder = Server(argv, self.directory / "recorder.log")
        self.recorder.start()
        wait_for_port(port)
        for number in range(count):
            name = f"webhook-{number}"
            options = {"target_url": f"http://127.0.0.1:{port}/{name}/{seconds}", "method": "POST"}
            ahead = 3 + (number % every if every else 0)
            self.job(name, every or 3 + number, ahead=ahead, kind=Job.Kind.WEBHOOK, options=options)

    def under_load(self, hurt: Callable[[], None], *, before: float = 5, after: float = 12) -> None:
        """The usual load, the fault at a random moment of it, and some time for what it leaves behind."""
        self.system.start()
        self.up()
        self.mix()
        self.warm()
        time.sleep(before + random.random() * 2)
        self.hurt_at = time.time()
        hurt()
        time.sleep(after)

    def up(self, *roles: str) -> None:
        """Waits until the programs show that they live; raises TimeoutError."""
        wanted = set(roles or ("beat", "code"))
        if not eventually(lambda: wanted <= set(Heartbeat.objects.values_list("role", flat=True)), 60):
            raise TimeoutError("The programs did not start.")

    def at_work(self, name: str) -> None:
        """Waits until this very process shows that it lives; raises TimeoutError."""
        shown = Heartbeat.objects.filter(name__contains=f":{self.system.pid(name)}-")
        if not eventually(shown.exists, 150):
            raise TimeoutError(f"The {name} did not start.")

    def warm(self) -> None:
        """Waits until something ran, so that the fault meets a system at work."""
        if not eventually(lambda: self.traces.exists(), 60):
            self.notes.append("nothing ran for 60 s")

    def judge(self) -> Findings:
        """Everything that was due until now, after it had time to come to an end."""
        end, began = self.clock.now(), time.monotonic()
        ended = eventually(lambda: self._settled(end), SETTLE, 1.0)
        if ended:
            self.notes.append(f"all ended {time.monotonic() - began:.0f} s after the trial")
        found = check(self.watched, self.rows(), self.read_traces(), end)
        lost = [row for row in self.rows() if row.state == State.LOST and row.finished]
        if lost and self.hurt_at and not self.clock.offset:
            slowest = max((row.finished or 0) - self.hurt_at for row in lost)
            self.notes.append(f"{len(lost)} lost, the last known {slowest:.0f} s after the fault")
        if self.loses_nothing:
            # Only now: a lease that is not renewed any more takes 40 s to run out.
            self.wrong += [
                f"lost though no worker was gone: {row.job} {row.slot} {row.reason}" for row in lost
            ]
        return found

    def _settled(self, end: float) -> bool:
        moment = _moment(end)
        try:
            waiting = Job.objects.filter(next_run_at__lte=moment).exists()
            return not waiting and not Execution.objects.filter(state__in=OPEN, due_at__lte=moment).exists()
        except Error:
            connection.close()
            return False

    def rows(self) -> list[Row]:
        scheduled = Execution.objects.exclude(scheduled_for=None).order_by("id")
        return [_row(execution) for execution in scheduled.iterator()]

    def read_traces(self) -> list[Trace]:
        return [
            Trace(**{**line, "slot": _seconds(line["slot"])}) for line in self.trace_lines() if line["slot"]
        ]

    def trace_lines(self) -> list[dict[str, Any]]:
        """Those of runs without a due time as well; a line that is still being written is left out."""
        if not self.traces.exists():
            return []
        return [json.loads(line) for line in self.traces.read_text().splitlines() if line.endswith("}")]


def empty() -> None:
    """Takes away what the trial before left."""
    LogChunk.objects.all().delete()
    Execution.objects.update(blocked_by=None)
    Execution.objects.all().delete()
    Heartbeat.objects.all().delete()
    Drain.objects.all().delete()
    Hold.objects.all().delete()
    Incident.objects.all().delete()
    Job.objects.all().delete()
    PeriodicTask.objects.filter(task=stored_schedule.TASK).delete()
    IntervalSchedule.objects.filter(periodictask=None).delete()


def _row(execution: Execution) -> Row:
    assert execution.scheduled_for is not None
    return Row(
        job=execution.job_name,
        slot=round(execution.scheduled_for.timestamp()),
        run=str(execution.uid),
        state=str(execution.state),
        reason=str(execution.reason),
        slots=execution.slots,
        last=round(execution.last_slot.timestamp()) if execution.last_slot else None,
        attempt=execution.attempt,
        finished=execution.finished_at.timestamp() if execution.finished_at else None,
    )


def _seconds(slot: str) -> int:
    return round(dt.datetime.fromisoformat(slot).timestamp())
