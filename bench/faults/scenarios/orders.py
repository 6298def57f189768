"""What administrators order under load: a hold, a drain, a deploy while runs go on that take long."""

from __future__ import annotations

import datetime as dt
import signal
import time
from collections.abc import Callable
from functools import partial

from audit.record import Actor
from bench.faults.installation import eventually
from bench.faults.trial import Trial
from bench.servers.process import Server
from executions.ledger.limits import holds
from executions.models import Drain, Execution, Hold, Reason, State
from executions.monitoring import drains
from scheduler_site.lib import clock
from scheduler_site.running.drain_status import STATUS

LONG = "long haul"
# What was claimed before somebody ordered something may begin so much later.
UNDER_WAY = 2.0


def hold(trial: Trial) -> None:
    """all starts are held for 20 s, twice: until an end by itself, and by hand with the beat killed meanwhile"""

    def hurt() -> None:
        _held(trial, lambda _hold: eventually(lambda: not Hold.objects.active().exists(), 60), seconds=20)
        time.sleep(4)

        def by_hand(hold: Hold) -> None:
            trial.system["beat"].kill()
            time.sleep(10)
            trial.system.start("beat")
            time.sleep(10)
            holds.end(hold, by=Actor.system())

        _held(trial, by_hand)

    trial.under_load(hurt, after=15)
    rows = Execution.objects.filter(reason=Reason.HELD)
    trial.notes.append(f"{sum(rows.values_list('slots', flat=True))} due times held in {rows.count()} rows")
    if not rows:
        trial.wrong.append("no row tells of a hold")


def drain(trial: Trial) -> None:
    """the code worker is drained in mid-run, another started beside it; then that one likewise"""

    def hurt() -> None:
        for old, new in (("code", "code-2"), ("code-2", "code-3")):
            name = _name(trial, old)
            trial.system.start(new)
            drains.order(drains.matching(name, clock.now()), by=Actor.system())
            server = trial.system[old]
            if not eventually(partial(_has_ended, server), 60):
                trial.wrong.append(f"{old} did not end")
            elif server.process and server.process.returncode != STATUS:
                trial.wrong.append(f"{old} ended with status {server.process.returncode}")
            if not Drain.objects.filter(worker=name, ended_at__isnull=False).exists():
                trial.wrong.append(f"nobody noted that {old} has ended")
            time.sleep(3)

    Drain.objects.all().delete()
    trial.loses_nothing = True
    trial.under_load(hurt)


def deploy_long(trial: Trial) -> None:
    """TERM for everything while a run of 60 s (--fast: 40 s) goes on; new processes start at once beside the old"""
    seconds = 40 if trial.fast else 60
    trial.system.common["WORKER_SHUTDOWN_SECONDS"] = "600"

    def hurt() -> None:
        if not eventually(lambda: any(line["job"] == LONG for line in trial.trace_lines()), 30):
            trial.wrong.append(f"{LONG} did not start")
        old = [trial.system[name] for name in ("beat", "io", "code", "system")]
        for server in old:
            server.send(signal.SIGTERM)
        trial.system.start("beat-2", "io-2", "code-2", "system-2")
        if not eventually(lambda: all(map(_has_ended, old)), seconds + 60):
            trial.wrong.append("an old process did not end")

    trial.job(LONG, 600, seconds=seconds)
    trial.loses_nothing = True
    trial.under_load(hurt)
    run = Execution.objects.filter(job_name=LONG).order_by("id").first()
    begun = [line for line in trial.trace_lines() if line["job"] == LONG and line["event"] == "start"]
    if run is None or (run.state, run.attempt, len(begun)) != (State.SUCCESS, 1, 1):
        trial.wrong.append(f"{LONG} is {run and run.state}, began {len(begun)} times")


def _held(trial: Trial, end: Callable[[Hold], object], seconds: int | None = None) -> None:
    now = clock.now()
    until = now + dt.timedelta(seconds=seconds) if seconds else None
    hold = holds.begin(reason="trial", by=Actor.system(), until=until)
    began = time.time()
    end(hold)
    hold.refresh_from_db()
    ended = hold.ended_at.timestamp() if hold.ended_at else time.time()
    trial.wrong += [
        f"{line['job']} started {line['at'] - began:.1f} s after the hold began"
        for line in trial.trace_lines()
        if line["event"] == "start" and began + UNDER_WAY < line["at"] < ended
    ]


def _has_ended(server: Server) -> bool:
    return server.process is None or server.process.poll() is not None


def _name(trial: Trial, program: str) -> str:
    trial.at_work(program)
    marked = f":{trial.system.pid(program)}-"
    return next(one.name for one in drains.workers(clock.now()) if marked in one.name)
