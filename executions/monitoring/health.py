"""Health of all parts, read from the rows by the process that is asked."""

from __future__ import annotations

import datetime as dt
import logging
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from socket import gethostname
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext_noop

from executions.ledger.due.tick import next_due
from executions.ledger.publish import BROKER_ERRORS, depth
from executions.models import Drain, Hold
from executions.monitoring import drains, figures
from executions.monitoring.heartbeat import FRESH, RECONCILED, Process, clocks, freshest, processes, tzdata
from jobs import zones
from jobs.models import Job
from jobs.schedule import zone_rules
from scheduler_site.lib import clock
from scheduler_site.lib.cache import TTLCache
from scheduler_site.lib.database.prepared import Prepared

log = logging.getLogger("executions.monitoring.health")

QUEUES = ("io", "code", "system")
NAMES = {
    "beat": gettext_noop("beat"),
    "io": gettext_noop("worker io"),
    "code": gettext_noop("worker code"),
    "system": gettext_noop("worker system"),
    RECONCILED: gettext_noop("reconciler"),
}
CLOCKS = gettext_noop("clocks")
ZONES = gettext_noop("time zone rules")
HOLDS = gettext_noop("starts")
NO_ANSWER = gettext_noop("does not answer")
# Longer than this a run should not wait for a worker, nor a due time for the tick.
WAITING = dt.timedelta(seconds=30)
# A turn of the reconciler is taken every ten seconds, by whoever lives, and is over soon after.
TURN = dt.timedelta(seconds=25)
BROKER_SECONDS = 2.0
# So many jobs are counted each time, more of them once in so many seconds.
COUNTED, COUNTED_SECONDS = 10_000, 15.0


@dataclass(frozen=True)
class Check:
    """One thing that must be well. The pages translate name and detail.

    `age` is in seconds: since a process gave a sign of life, or since something waits; None for what only answers.
    `where` names hosts or categories. What is `advice` should be mended, but does not make the system unwell. What somebody
    has `ordered` is so on purpose.
    """

    name: str
    ok: bool
    detail: str = ""
    age: float | None = None
    waits: bool = False
    where: str = ""
    advice: bool = False
    ordered: bool = False

    @property
    def told(self) -> str:
        """What is wrong, and where, for machines."""
        return f"{self.detail}: {self.where}" if self.where else self.detail


@dataclass
class Health:
    """The answer to `/api/health`; `checks` are for people who may see them."""

    checks: list[Check] = field(default_factory=list)
    scheduled_jobs_count: int = 0

    @property
    def status(self) -> Literal["healthy", "degraded"]:
        return "healthy" if all(check.ok or check.advice for check in self.checks) else "degraded"

    @property
    def scheduler_running(self) -> bool:
        return any(check.name == "beat" and check.ok for check in self.checks)


def report(now: dt.datetime | None = None) -> Health:
    """The state of beat, workers, database, broker and queue. Never raises; takes a few seconds at the most."""
    now = now or clock.shown()
    health = Health()
    waiting: list[Check] = []
    try:
        health.scheduled_jobs_count = scheduled_jobs()
        found = processes(now)
        alive, waiting = _processes(now), [*_waiting(now), _clocks(found), _zones(found), *_holds()]
        health.checks += [*alive, Check(gettext_noop("database"), True)]
    except (DatabaseError, InterfaceError, OSError):
        health.checks.append(Check("database", False, NO_ANSWER))
    health.checks += [_broker(), *waiting]
    return health


def scheduled_jobs() -> int:
    """How many jobs have a next run. Of very many the number is a few seconds old: all else takes less than to count them."""
    found = _some_scheduled.count()
    return found if found <= COUNTED else many_scheduled()


_scheduled = Prepared(lambda: Job.objects.filter(next_run_at__isnull=False).order_by().values_list("pk"))
_some_scheduled = Prepared(
    lambda most=COUNTED: (
        Job.objects.filter(next_run_at__isnull=False).order_by().values_list("pk")[: most + 1]
    )
)
many_scheduled = TTLCache(_scheduled.count, COUNTED_SECONDS)
_drains = Prepared(lambda: Drain.objects.order_by().values_list("pk")[:1])
_held = Prepared(lambda: Hold.objects.active().order_by().values_list("pk")[:1])
# For anybody and as often as he likes: however many ask, the database is asked once a second.
recent = TTLCache(lambda: report(), 1.0)


class BrokerProbe:
    """Asks the broker in a thread of its own: one that hangs must not hold up whoever asks for health.

    One thread at a time, at most every two seconds: anybody may call the health check, and each answer costs connections.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = -math.inf
        self._ended = threading.Event()
        self._ended.set()
        self._depths: dict[str, int] | None = None

    def depths(self) -> dict[str, int] | None:
        """How many messages wait in each queue; None when the broker does not answer in time."""
        with self._lock:
            if self._ended.is_set() and time.monotonic() - self._began > BROKER_SECONDS:
                self._ended.clear()
                self._began = time.monotonic()
                threading.Thread(target=self._ask, name="broker probe", daemon=True).start()
            patience = self._began + BROKER_SECONDS - time.monotonic()
        return self._depths if self._ended.wait(max(patience, 0.0)) else None

    def _ask(self) -> None:
        depths = None
        try:
            depths = {queue: depth(queue) for queue in QUEUES}
        except BROKER_ERRORS as error:
            log.warning("broker_silent", extra={"error": str(error)})
        finally:
            self._depths = depths
            self._ended.set()


broker = BrokerProbe()


def _broker() -> Check:
    ok = broker.depths() is not None
    return Check(gettext_noop("broker"), ok, "" if ok else NO_ANSWER)


def _processes(now: dt.datetime) -> list[Check]:
    ages = freshest(now)
    roles = [*(("beat",) if settings.SCHEDULER_ENABLED else ()), *QUEUES]
    checks = [_alive(role, ages.get(role)) for role in roles] + [
        _alive(RECONCILED, ages.get(RECONCILED), TURN)
    ]
    if not _drains():
        return checks
    drained = {NAMES[role]: detail for role, detail in _drained(now).items()}
    return [
        Check(check.name, False, drained[check.name], check.age, advice=True, ordered=True)
        if check.name in drained
        else check
        for check in checks
    ]


def _drained(now: dt.datetime) -> dict[str, str]:
    """The queues that no worker serves, or soon will, because somebody said so."""
    states: dict[str, set[str]] = {}
    for worker in drains.workers(now):
        for role in worker.roles:
            states.setdefault(role, set()).add(worker.state)
    gone = {"drained", "silent"}
    return {
        role: gettext_noop("draining") if "draining" in found else gettext_noop("drained")
        for role, found in states.items()
        if "running" not in found and found != {"silent"} and found <= gone | {"draining"}
    }


def _holds() -> list[Check]:
    """Advice as long as starts are held, so that nobody wonders."""
    held = list(Hold.objects.active().select_related("category").order_by("active")) if _held() else []
    where = ", ".join(str(hold) for hold in held)
    return (
        [Check(HOLDS, False, gettext_noop("are held"), where=where, advice=True, ordered=True)]
        if held
        else []
    )


def _alive(role: str, age: dt.timedelta | None, limit: dt.timedelta = FRESH) -> Check:
    if age is None:
        return Check(NAMES[role], False, gettext_noop("none is running"))
    # A sign from the future tells nothing: a clock was put back, and the process may have died since.
    ok = abs(age) < limit
    return Check(NAMES[role], ok, "" if ok else gettext_noop("silent"), age.total_seconds())


def _waiting(now: dt.datetime) -> list[Check]:
    """Due times that no tick has taken (where something ticks at all), runs that no worker has taken."""
    waiting = [_age(gettext_noop("oldest queued"), now, figures.oldest_queued())]
    return (
        [_age(gettext_noop("oldest due"), now, next_due()), *waiting]
        if settings.SCHEDULER_ENABLED
        else waiting
    )


def _age(name: str, now: dt.datetime, since: dt.datetime | None) -> Check:
    age = figures.age(now, since)
    ok = age < WAITING.total_seconds()
    return Check(name, ok, "" if ok else gettext_noop("waits too long"), age, waits=True)


def _clocks(found: Sequence[Process]) -> Check:
    """Hosts that keep another time than the database. Belfry goes by the latter, but logs and people do not."""
    hosts = {gethostname(): clock.ahead()} | clocks(found)
    off = [f"{host} {ahead:+.1f} s" for host, ahead in sorted(hosts.items()) if abs(ahead) > clock.NOTICED]
    detail = gettext_noop("differ from the database") if off else ""
    return Check(CLOCKS, not off, detail, where=", ".join(off), advice=True)


def _zones(found: Sequence[Process]) -> Check:
    """Hosts that came with another release of tzdata. All go by the newest rules, but none should need to."""
    zones.refresh(now=False)
    hosts = tzdata(found)
    hosts.setdefault(gethostname(), set()).add(zone_rules.version())
    differ = len(set().union(*hosts.values())) > 1
    told = [f"{host} {' and '.join(sorted(releases)) or '?'}" for host, releases in sorted(hosts.items())]
    detail = gettext_noop("differ between the hosts") if differ else ""
    return Check(ZONES, not differ, detail, where=", ".join(told) if differ else "", advice=True)
