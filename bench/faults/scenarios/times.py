"""Faults of the clock: it is set, or the zone's rules change it at night."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import Error, connection

from bench.faults.clock import Clock, compiler
from bench.faults.installation import eventually
from bench.faults.trial import Trial, Unavailable
from bench.servers.process import Server
from executions.models import AlertCondition, Execution, State
from scheduler_site.lib import clock

HOURS = 2 * 3600.0
# The programs notice after so long that the clock of a database server was set.
NOTICED = clock.EVERY + 1
# By how many seconds the clock of one of two hosts is ahead.
APART = (12, 60, 300, -12, -60, -300)


def clock_forward(trial: Trial) -> None:
    """the clock is set forward by 2 h under load, and stays so"""

    def hurt() -> None:
        trial.clock.step(HOURS)

    _needs_clock(trial)
    trial.under_load(hurt, after=30)


def clock_back(trial: Trial) -> None:
    """the clock is set back by 2 h under load, and right again after 30 s: nothing runs twice or meanwhile"""

    def hurt() -> None:
        # The traces keep to the true time: a run that was on its way did not start early.
        trial.clock.step(-HOURS, shown=False)
        set_back = time.time() + (NOTICED if trial.stack.database else 1)
        time.sleep(30)
        again = time.time()
        trial.clock.step(HOURS, shown=False)
        for trace in trial.read_traces():
            # What was queued before may start; what fell due after that may not, by a clock that is 2 h behind.
            if trace.event == "start" and set_back < trace.slot < again - 1 and trace.at < again:
                trial.wrong.append(f"{trace.job} {trace.slot} started while the clock was back")

    _needs_clock(trial)
    trial.under_load(hurt, after=30)


@dataclass(frozen=True)
class Night:
    """Due times (UTC, hours and minutes of one night) by cron expression, written down by hand."""

    zone: str
    date: str
    due: dict[str, str]


# Europe/Berlin goes forward on 2026-03-29 01:00Z (02:00 becomes 03:00) and back on 2026-10-25 01:00Z (03:00 becomes
# 02:00); America/New_York forward on 2026-03-08 07:00Z and back on 2026-11-01 06:00Z (02:00 becomes 01:00).
# A fixed time that does not exist runs right after the change, one that comes twice runs at the first; wildcards
# follow the clock.
NIGHTS = {
    "berlin spring": Night(
        "Europe/Berlin",
        "2026-03-29",
        {
            "30 2 * * *": "01:00",
            "15 3 * * *": "01:15",
            "0 * * * *": "00:00 01:00 02:00",
            "*/30 * * * *": "00:00 00:30 01:00 01:30 02:00",
        },
    ),
    "berlin autumn": Night(
        "Europe/Berlin",
        "2026-10-25",
        {
            "30 2 * * *": "00:30",
            "15 3 * * *": "02:15",
            "0 * * * *": "00:00 01:00 02:00",
            "*/30 * * * *": "00:00 00:30 01:00 01:30 02:00",
        },
    ),
    "new york spring": Night(
        "America/New_York",
        "2026-03-08",
        {
            "30 2 * * *": "07:00",
            "15 3 * * *": "07:15",
            "0 * * * *": "06:00 07:00 08:00",
            "*/30 * * * *": "06:00 06:30 07:00 07:30 08:00",
        },
    ),
    "new york autumn": Night(
        "America/New_York",
        "2026-11-01",
        {
            "30 1 * * *": "05:30",
            "15 3 * * *": "08:15",
            "0 * * * *": "05:00 06:00 07:00 08:00",
            "*/30 * * * *": "05:00 05:30 06:00 06:30 07:00 07:30 08:00",
        },
    ),
}


def moments(date: str, times: str) -> tuple[int, ...]:
    """`00:30 01:00` of a day in UTC, in seconds since 1970."""
    return tuple(
        round(dt.datetime.fromisoformat(f"{date}T{time}+00:00").timestamp()) for time in times.split()
    )


def night(name: str) -> Callable[[Trial], None]:
    """The fault of living through one of the nights."""

    def fault(trial: Trial) -> None:
        _live_through(trial, NIGHTS[name])

    fault.__name__ = f"night_{name.replace(' ', '_')}"
    fault.__doc__ = f"the night in which {NIGHTS[name].zone} changes its clock, {NIGHTS[name].date}"
    return fault


def _live_through(trial: Trial, night: Night) -> None:
    """Waits a few seconds before each due time and after it, and sets the clock forward in between."""
    _needs_clock(trial)
    due = {expression: moments(night.date, times) for expression, times in night.due.items()}
    instants = sorted({moment for times in due.values() for moment in times})
    trial.clock.set(instants[0] - 60)
    trial.system.start()
    trial.up()
    for expression, times in due.items():
        trial.cron(expression, night.zone, times)
    for instant in instants:
        trial.clock.set(instant - 3)
        time.sleep(8 + (NOTICED if trial.stack.database else 0))


def apart(seconds: int) -> Callable[[Trial], None]:
    """The fault of two hosts whose clocks differ by so much."""
    direction = "ahead of" if seconds > 0 else "behind"

    def fault(trial: Trial) -> None:
        _two_hosts(trial, seconds)

    fault.__name__ = f"clock_{abs(seconds)}_{'ahead' if seconds > 0 else 'behind'}"
    fault.__doc__ = f"a host {abs(seconds)} s {direction} another; the worker of the other is killed for 70 s"
    return fault


def _two_hosts(trial: Trial, seconds: int) -> None:
    """Host 2 has a beat, a code worker and a wrong clock. Nothing of it may be early, and the dead are known in time."""
    if trial.stack.database is None:
        raise Unavailable("SQLite has one host")
    told = AlertCondition.objects.filter(subject="clocks", kind=AlertCondition.Kind.SILENT)
    told.delete()
    other = Clock(_room(trial, "host-2"))
    wrong = _built(other)
    other.step(seconds, shown=False)
    trial.system.start("beat-2", "code-2", **wrong)

    def hurt() -> None:
        pid = trial.system.pid("code")
        trial.system["code"].kill()
        time.sleep(60)
        left = Execution.objects.filter(state=State.RUNNING, worker__contains=f":{pid}-").count()
        if left:
            trial.wrong.append(f"{left} runs of the dead worker were not known as lost after 60 s")
        time.sleep(10)
        trial.system.start("code")

    trial.under_load(hurt, before=8)
    if not told.filter(told_at__isnull=False).exists():
        trial.wrong.append("nobody was told that the clocks differ")


def _needs_clock(trial: Trial) -> None:
    """Of all programs and, where there is one, of the database server: its clock decides."""
    environment = _built(trial.clock)
    trial.system.common |= environment
    if database := trial.stack.database:
        _restarted(database, environment)
        trial.after.callback(_restarted, database, {})


def _built(own: Clock) -> dict[str, str]:
    if compiler() is None:
        raise Unavailable("there is no C compiler (cc) to build the clock with")
    return own.environment()


def _restarted(database: Server, environment: dict[str, str]) -> None:
    connection.close()
    database.end(database.gentle)
    database.env = environment
    database.start()
    clock.forget()
    if not eventually(_reachable, 30):
        raise TimeoutError("The database did not come back.")


def _reachable() -> bool:
    try:
        connection.ensure_connection()
    except Error:
        return False
    return True


def _room(trial: Trial, name: str) -> Path:
    room = trial.directory / name
    room.mkdir()
    return room
