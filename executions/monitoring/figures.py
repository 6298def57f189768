"""The key figures of the system, counted in the rows by the process that is asked.

Each is one statement over an index, so its cost does not grow with the ledger; `current` caches the results for two seconds.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.db.models import Case, Count, Q, Sum, Value, When

from executions.ledger.due.tick import next_due
from executions.models import Execution, State
from executions.monitoring import heartbeat
from notifications.models import Alert
from scheduler_site.lib import clock
from scheduler_site.lib.cache import TTLCache
from scheduler_site.lib.database.prepared import Prepared

SECONDS = 2.0
DAY = dt.timedelta(days=1)
# What is recorded after an outage was due during it: due times longer ago than this are not looked for.
LONGEST_OUTAGE = dt.timedelta(days=14)
# A message that takes longer than this to arrive is one that somebody waits for.
PATIENCE = dt.timedelta(minutes=5)
# Outcomes that the scheduler decided and no job: each is a due time without a proper run.
# Behind another run of the job, or for a place that others have.
WAITS = Case(When(Q(held=True) | ~Q(waits_for=""), then=Value(True)), default=Value(False))
NOTICED = (State.LOST, State.MISSED, State.SKIPPED)


@dataclass(frozen=True)
class Open:
    """Runs that have not ended. Held ones wait for an earlier run of their job or for a place, retrying ones for the next
    attempt."""

    running: int = 0
    queued: int = 0
    held: int = 0
    retrying: int = 0

    @property
    def total(self) -> int:
        return self.running + self.queued + self.held + self.retrying


@dataclass(frozen=True)
class Figures:
    """Ages are in seconds, 0 where nothing waits; `noticed` counts due times by lost, missed and skipped.

    `undelivered` are alerts that people should have and do not have.
    """

    oldest_due: float
    oldest_queued: float
    open: Open
    noticed: dict[str, int]
    undelivered: int = 0
    processes: list[heartbeat.Process] = field(default_factory=list)


def count(now: dt.datetime) -> Figures:
    """The figures at a moment. Raises what the database raises."""
    return Figures(
        oldest_due=age(now, next_due()),
        oldest_queued=age(now, oldest_queued()),
        open=open_runs(),
        noticed=noticed(now - DAY),
        undelivered=_undelivered.count(now - PATIENCE),
        processes=heartbeat.processes(now),
    )


def age(now: dt.datetime, since: dt.datetime | None) -> float:
    """Seconds since a moment; 0 when there is none, or when it has not come yet."""
    return max((now - since).total_seconds(), 0.0) if since else 0.0


def oldest_queued() -> dt.datetime | None:
    """When the run that has waited longest for a worker was due."""
    moment: dt.datetime | None = _oldest_queued.first()
    return moment


def open_runs() -> Open:
    running = queued = held = retrying = 0
    for state, is_held, number, later in _open_runs():
        if state == State.RUNNING:
            running += number
        elif is_held:
            held += number
        else:
            queued, retrying = queued + number - later, retrying + later
    return Open(running, queued, held, retrying)


def noticed(since: dt.datetime) -> dict[str, int]:
    """How many due times were recorded as lost, missed or skipped since then, whenever they had been due."""
    return {str(state): 0 for state in NOTICED} | dict(_noticed(since, since - LONGEST_OUTAGE))


_undelivered = Prepared(
    lambda before: Alert.objects.undelivered(before).order_by().values_list("pk"), dt.datetime
)
_oldest_queued = Prepared(lambda: Execution.objects.for_a_worker().values_list("due_at")[:1])
_open_runs = Prepared(
    lambda: (
        Execution.objects.open()
        .order_by()
        .values_list("state", WAITS)
        .annotate(count=Count("id"), later=Count("next_attempt_at"))
    )
)
_noticed = Prepared(
    lambda since, due: (
        Execution.objects.filter(state__in=NOTICED, finished_at__gte=since, due_at__gte=due)
        .order_by()
        .values_list("state")
        .annotate(slots=Sum("slots"))
    ),
    dt.datetime,
    dt.datetime,
)
current = TTLCache(lambda: count(clock.shown()), SECONDS)
