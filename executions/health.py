"""Is everything alive? Judged from the rows, by whichever process is asked."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.translation import gettext_noop

from executions.heartbeat import FRESH, freshest
from executions.publish import BROKER_ERRORS, depth
from executions.reconcile import oldest_queued
from executions.tick import next_due
from jobs.models import Job

QUEUES = ("io", "code", "system")
NAMES = {
    "beat": gettext_noop("beat"),
    "io": gettext_noop("worker io"),
    "code": gettext_noop("worker code"),
    "system": gettext_noop("worker system"),
}
NO_ANSWER = gettext_noop("does not answer")
# Longer than this a run should not wait for a worker, nor a due time for the tick.
WAITING = dt.timedelta(seconds=30)
BROKER_SECONDS = 2.0


@dataclass(frozen=True)
class Check:
    """One thing that must be well; `age` is in seconds where it is about one. The pages translate name and detail."""

    name: str
    ok: bool
    detail: str = ""
    age: float | None = None


@dataclass
class Health:
    """The answer to `/api/health`; `checks` are for people who may see them."""

    checks: list[Check] = field(default_factory=list)
    scheduled_jobs_count: int = 0

    @property
    def status(self) -> Literal["healthy", "degraded"]:
        return "healthy" if all(check.ok for check in self.checks) else "degraded"

    @property
    def scheduler_running(self) -> bool:
        return any(check.name == "beat" and check.ok for check in self.checks)


_asked = (-BROKER_SECONDS, Check("broker", False))


def report(now: dt.datetime | None = None) -> Health:
    """The state of database, broker, beat, workers and queue. Never raises; takes a few seconds at the most."""
    now = now or timezone.now()
    health = Health()
    try:
        health.scheduled_jobs_count = Job.objects.filter(next_run_at__isnull=False).count()
        health.checks.append(Check(gettext_noop("database"), True))
        health.checks += _processes(now) + _waiting(now)
    except (DatabaseError, InterfaceError, OSError):
        health.checks.append(Check("database", False, NO_ANSWER))
    health.checks.append(_broker())
    return health


def _broker() -> Check:
    """Asked at most every two seconds: anybody may call the health check, and each answer costs a connection."""
    global _asked
    if time.monotonic() - _asked[0] > BROKER_SECONDS:
        try:
            depth("system")
            answer = Check(gettext_noop("broker"), True)
        except BROKER_ERRORS:
            answer = Check("broker", False, NO_ANSWER)
        _asked = (time.monotonic(), answer)
    return _asked[1]


def _processes(now: dt.datetime) -> list[Check]:
    ages = freshest(now)
    roles = [*(("beat",) if settings.SCHEDULER_ENABLED else ()), *QUEUES]
    return [_alive(role, ages.get(role)) for role in roles]


def _alive(role: str, age: dt.timedelta | None) -> Check:
    if age is None:
        return Check(NAMES[role], False, gettext_noop("none is running"))
    ok = age < FRESH
    return Check(NAMES[role], ok, "" if ok else gettext_noop("silent"), age.total_seconds())


def _waiting(now: dt.datetime) -> list[Check]:
    """Due times that no tick has taken, runs that no worker has taken."""
    return [
        _age(gettext_noop("oldest due"), now, next_due()),
        _age(gettext_noop("oldest queued"), now, oldest_queued()),
    ]


def _age(name: str, now: dt.datetime, since: dt.datetime | None) -> Check:
    age = max((now - since), dt.timedelta(0)) if since and since <= now else dt.timedelta(0)
    ok = age < WAITING
    return Check(name, ok, "" if ok else gettext_noop("waits too long"), age.total_seconds())
