"""Heartbeats: every long-running process updates a row; health is judged by its age."""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from executions.models import Heartbeat
from jobs.schedule import zone_rules
from scheduler_site.lib import clock
from scheduler_site.lib.database.prepared import Prepared
from scheduler_site.running import drain_status

EVERY = 5.0
# Older than this, a process counts as silent; much older, as gone for good.
FRESH = dt.timedelta(seconds=20)
GONE = dt.timedelta(hours=1)

# The reconciler is nobody's alone: its own row says when a turn was last taken, this one when one was completed.
RECONCILED = "reconciled"
# When an administrator last had all schedules compared with their jobs.
RESYNCED = "resynced"
# Rows that stand for no process of their own.
SHARED = ("reconciler", RECONCILED, RESYNCED)

_last: dict[str, float] = {}


@dataclass(frozen=True)
class Process:
    """Who gave a sign of life, and how many seconds ago."""

    role: str
    name: str
    age: float
    # Seconds by which its host's clock is ahead of the database's.
    ahead: float = 0.0
    # The release of the time zone rules that it came with, such as 2026b.
    tzdata: str = ""

    @property
    def alive(self) -> bool:
        return abs(self.age) < FRESH.total_seconds()

    @property
    def host(self) -> str:
        return self.name.rpartition(":")[0]


def own_name() -> str:
    """A name of this process that no other has had: in containers, all have the same process id."""
    return f"{socket.gethostname()}:{os.getpid()}-{drain_status.own_token()}"


def beat(name: str, roles: Iterable[str]) -> None:
    """Shows that a process lives, at most every five seconds."""
    if time.monotonic() - _last.get(name, -EVERY) < EVERY:
        return
    now, ahead = clock.now(), clock.ahead()
    for role in roles:
        _show(f"{role} {name}"[:120], role, now, ahead, zone_rules.version())
    _last[name] = time.monotonic()


def reconciled(now: dt.datetime) -> None:
    """Notes that a turn of the reconciler was completed: one that fails half way each time mends nothing."""
    _show(RECONCILED, RECONCILED, now)


def resynced(now: dt.datetime) -> None:
    """Notes that all schedules were compared with their jobs."""
    _show(RESYNCED, RESYNCED, now)


def last_resync() -> dt.datetime | None:
    """When all jobs were last compared with their schedules; none if never."""
    return Heartbeat.objects.filter(name=RESYNCED).values_list("at", flat=True).first()


def _show(name: str, role: str, now: dt.datetime, ahead: float = 0.0, tzdata: str = "") -> None:
    if not Heartbeat.objects.filter(name=name).update(at=now, ahead=ahead, tzdata=tzdata):
        values = {"role": role, "at": now, "started_at": now, "ahead": ahead, "tzdata": tzdata}
        Heartbeat.objects.update_or_create(name=name, defaults=values)


def leave(name: str, roles: Iterable[str]) -> None:
    """Takes the row away: a process that ended in good order is not silent, it is gone."""
    Heartbeat.objects.filter(name__in=[f"{role} {name}"[:120] for role in roles]).delete()
    _last.pop(name, None)


def forget_gone(now: dt.datetime) -> None:
    """Removes the rows of processes that have shown no sign for GONE."""
    Heartbeat.objects.filter(at__lt=now - GONE).exclude(role__in=("reconciler", RESYNCED)).delete()


def freshest(now: dt.datetime) -> dict[str, dt.timedelta]:
    """The age of the latest sign of life per role; one from the future (a clock was put back) counts by its distance."""
    ages: dict[str, dt.timedelta] = {}
    for role, _name, at, _ahead, _tzdata in _rows():
        ages[role] = min(ages.get(role, dt.timedelta.max), now - at, key=abs)
    return ages


def processes(now: dt.datetime) -> list[Process]:
    """Everybody with a sign of life in the last hour, by role; a process that was killed stays until then."""
    return [
        Process(role, name.removeprefix(f"{role} "), (now - at).total_seconds(), ahead, tzdata)
        for role, name, at, ahead, tzdata in _rows()
        if role not in SHARED
    ]


_rows = Prepared(
    lambda: Heartbeat.objects.order_by("role", "-at").values_list("role", "name", "at", "ahead", "tzdata")
)


def clocks(found: Iterable[Process]) -> dict[str, float]:
    """By how many seconds the clock of each host with a living process is ahead of the database's."""
    hosts: dict[str, float] = {}
    for process in found:
        if process.alive:
            hosts[process.host] = max(hosts.get(process.host, 0.0), process.ahead, key=abs)
    return hosts


def tzdata(found: Iterable[Process]) -> dict[str, set[str]]:
    """The releases of the time zone rules that the living processes of each host came with; of one they do not tell, none."""
    hosts: dict[str, set[str]] = {}
    for process in found:
        if process.alive and process.tzdata:
            hosts.setdefault(process.host, set()).add(process.tzdata)
    return hosts
