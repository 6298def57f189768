"""Draining: a worker takes nothing new, and ends when its runs have ended.

The order is a row that the worker itself looks for each second, so no message can be lost. Until its last run has ended it can
be taken back; afterwards, taking it back lets the supervisor start a worker in its place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import Actor, record
from executions.models import Drain, Execution
from executions.monitoring import heartbeat
from executions.monitoring.heartbeat import GONE, Process
from jobs.verbs import Refused
from scheduler_site.lib import clock
from scheduler_site.lib.database.prepared import Prepared

# Those that run jobs. A worker of the system's own queue has no runs, and is drained only by its name.
OF_JOBS = ("io", "code")
ROLES = (*OF_JOBS, "system")
# The drain of a worker that no supervisor asked about is deleted this long after its end.
KEPT = dt.timedelta(days=30)


@dataclass(frozen=True)
class WorkerState:
    """A worker process: its queues, how many seconds ago it gave a sign of life, its runs, and the order to drain it."""

    name: str
    roles: tuple[str, ...]
    age: float | None
    runs: int = 0
    drain: Drain | None = None

    @property
    def host(self) -> str:
        return self.name.rpartition(":")[0]

    @property
    def alive(self) -> bool:
        return self.age is not None and abs(self.age) < heartbeat.FRESH.total_seconds()

    @property
    def state(self) -> str:
        """`running`, `draining`, `drained` or `silent`."""
        if self.drain and (self.drain.ended_at or not self.alive):
            return "drained" if self.drain.ended_at else "silent"
        if not self.alive:
            return "silent"
        return "draining" if self.drain else "running"


def workers(now: dt.datetime) -> list[WorkerState]:
    """All that gave a sign of life in the last hour, and those that were drained, by queue and name."""
    drains = {row.worker: row for row in Drain.objects.select_related("by")}
    seen: dict[str, list[Process]] = {}
    for process in heartbeat.processes(now):
        if process.role in ROLES:
            seen.setdefault(process.name, []).append(process)
    running = Execution.objects.running().order_by().values_list("worker").annotate(runs=Count("id"))
    runs = dict(running)
    found = [
        WorkerState(
            name, tuple(one.role for one in rows), rows[0].age, runs.get(name, 0), drains.pop(name, None)
        )
        for name, rows in seen.items()
    ]
    found += [WorkerState(name, tuple(row.roles.split()), None, 0, row) for name, row in drains.items()]
    return sorted(found, key=lambda one: ([ROLES.index(role) for role in one.roles], one.name))


def matching(target: str, now: dt.datetime) -> list[WorkerState]:
    """The living workers of this name, or on this host. Raises Refused when there is none."""
    alive = [one for one in workers(now) if one.alive]
    found = [one for one in alive if target in (one.name, one.host)]
    if not found:
        raise Refused(
            _("No living worker has the name %(name)s, and none is on a host of this name.")
            % {"name": target}
        )
    return found


def of_jobs(now: dt.datetime) -> list[WorkerState]:
    """The living workers that run jobs."""
    return [one for one in workers(now) if one.alive and set(one.roles) & set(OF_JOBS)]


@transaction.atomic
def order(found: Iterable[WorkerState], *, by: Actor, reason: str = "") -> list[Drain]:
    """Orders these workers to end when their runs have ended; those that were told so before are left alone."""
    now, made = clock.now(), []
    for worker in found:
        values = {
            "roles": " ".join(worker.roles),
            "at": now,
            "reason": reason.strip()[:500],
            "by": by.user,
            "by_name": (by.operator or by.name)[:150],
        }
        row, new = Drain.objects.get_or_create(worker=worker.name, defaults=values)
        if new:
            record(Entry.Event.PAUSED, row, by=by, description=row.reason)
            made.append(row)
    return made


@transaction.atomic
def cancel(rows: Iterable[Drain], *, by: Actor) -> int:
    """Takes orders back: a worker that is draining goes on, in the place of one that has ended another is started."""
    count = 0
    for row in rows:
        if Drain.objects.filter(pk=row.pk).delete()[0]:
            record(Entry.Event.RESUMED, row, by=by)
            count += 1
    return count


def is_ordered(worker: str) -> bool:
    """Whether this worker has been told to drain, and has not ended yet."""
    return bool(_ordered(worker))


_any = Prepared(lambda: Drain.objects.order_by().values_list("pk")[:1])
_ordered = Prepared(
    lambda worker: Drain.objects.filter(worker=worker, ended_at=None).order_by().values_list("pk")[:1], str
)


def ended(worker: str) -> bool:
    """Notes that its last run has ended; false when the order has been taken back meanwhile."""
    return bool(Drain.objects.filter(worker=worker, ended_at=None).update(ended_at=clock.now()))


def stay_away(token: str) -> bool:
    """Whether no worker is to be started in the place of the one with this token (scheduler_site/running/drain_status.py)."""
    return Drain.objects.filter(worker__endswith=f"-{token}").exists()


def forget(installation: str) -> None:
    """A supervisor that starts begins with all its workers, whatever its predecessor was told."""
    Drain.objects.filter(worker__contains=f"-{installation}").delete()


def forget_gone(now: dt.datetime) -> None:
    """Orders to workers that died before they could obey, and those that nobody asks for any more."""
    if not _any():
        return
    Drain.objects.filter(ended_at__lt=now - KEPT).delete()
    alive = {one.name for one in workers(now) if one.age is not None}
    Drain.objects.filter(ended_at=None, at__lt=now - GONE).exclude(worker__in=alive).delete()
