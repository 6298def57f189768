"""Repairs what a crash at any line leaves behind. All processes take turns, so it needs neither beat nor broker.

Each step is a query that finds rows in a state that should not last, and the same conditional transition that is used
everywhere else.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from audit import chain
from audit.record import Actor
from environments.operations import transitions as operations
from executions.alerting import pending
from executions.bulk import apply
from executions.ledger.due import inactive_periods
from executions.ledger.error_isolation import each, steps, together
from executions.ledger.limits import concurrency, holds
from executions.ledger.limits.overlap import release
from executions.ledger.lost import give_up
from executions.ledger.publish import BROKER_ERRORS, QUEUES, depth, of_queue, publish
from executions.models import AUTOMATIC, Execution, ExecutionQuerySet, Heartbeat, Reason, State, over
from executions.monitoring import drains, totals_update
from executions.monitoring.heartbeat import forget_gone, reconciled
from executions.upkeep import code_permission, conditions, definitions, end_dates, self_monitoring
from jobs import verbs
from jobs.changes import removal
from jobs.models import Job, Pause, today
from scheduler_site.lib import clock
from scheduler_site.lib.database.prepared import Prepared

log = logging.getLogger("executions.upkeep.reconcile")

EVERY = dt.timedelta(seconds=10)
# A time in which nobody took a turn is an outage from here on. Of a living worker's lease more is left at any moment.
GAP = dt.timedelta(seconds=20)
# After an outage living workers get so long to renew their leases: more than an attempt takes that hangs.
SETTLE = dt.timedelta(seconds=12)
# A row that was committed but not announced for so long was forgotten by its author.
UNANNOUNCED = dt.timedelta(seconds=5)
# A message that was not acted upon for so long may have been lost with its broker.
UNHEARD = dt.timedelta(seconds=30)
AT_ONCE = 1000
# At most this many runs are given up in one transaction.
TOGETHER = 200


class Turns:
    """A process's wish to take turns: asks the database whose turn it is only when one may be due."""

    def __init__(self) -> None:
        self._again = 0.0

    def take(self) -> bool:
        if time.monotonic() < self._again:
            return False
        self._again = time.monotonic() + wait_for_turn(clock.now())
        return self._again <= time.monotonic() and take_turn()


def wait_for_turn(now: dt.datetime) -> float:
    """Seconds until a turn may be due, at most a whole period."""
    turn = next(iter(_last_turn()), None)
    if turn is None or turn[0] > now + EVERY:
        return 0.0
    return min(max((_next_after(*turn) - now).total_seconds(), 0.0), EVERY.total_seconds())


_last_turn = Prepared(lambda: Heartbeat.objects.filter(name="reconciler").values_list("at", "started_at"))


def _next_after(turn: dt.datetime, since: dt.datetime) -> dt.datetime:
    """A period later, or when the settling time ends in between: nobody dead is to be found later for it.

    since: the first turn after the last outage.
    """
    settled_at = since + SETTLE
    return min(turn + EVERY, settled_at) if turn < settled_at else turn + EVERY


def take_turn(now: dt.datetime | None = None) -> bool:
    """Reconciles if a turn is due; the database decides whose it is."""
    now = now or clock.now()
    turn, _ = Heartbeat.objects.get_or_create(
        name="reconciler", defaults={"role": "reconciler", "at": now - 2 * EVERY, "started_at": now}
    )
    # A clock that went back must not stop reconciling until it has caught up. It is no gap: leases last longer by it.
    if turn.at <= now + EVERY and now < _next_after(turn.at, turn.started_at):
        return False
    gap = now - turn.at > GAP
    since = now if gap else min(turn.started_at, now)
    if not Heartbeat.objects.filter(pk=turn.pk, at=turn.at).update(at=now, started_at=since):
        return False
    settled = now - since >= SETTLE
    try:
        reconcile(now, settled=settled)
        reconciled(now)
    finally:
        # Also when it fails: people must hear that it does.
        steps(
            partial(self_monitoring.outage, turn.at, now),
            partial(conditions.look, now, settled=settled),
        )
    return True


def reconcile(now: dt.datetime, *, settled: bool = True) -> None:
    """1. gives up runs without a living worker  2. ends what may not start any more  3. releases held runs
    4. announces what was not announced or not heard  5. resumes pauses that are over, pauses jobs that have ended, holds
    code whose owner may not run it, ends holds that are over, says why jobs did not run when the beat has not; takes
    runs off jobs being removed; goes on with what was asked for of many jobs
    6. seals the entries of the audit trail  7. gives up operations on environments without a living worker
    8. puts definitions in rows of earlier releases where they are kept once  9. counts what has ended."""
    of_the_dead = (partial(lose_expired, now), partial(operations.reconcile, now)) if settled else ()
    steps(
        *of_the_dead,
        partial(end_unstartable, now),
        release_held,
        concurrency.wake_all,
        partial(announce, now),
        partial(resume_pauses, now),
        pause_ended,
        partial(holds.end_due, now),
        code_permission.settle,
        inactive_periods.settle,
        removal.go_on,
        apply.resume_waiting,
        partial(forget_gone, now),
        partial(drains.forget_gone, now),
        chain.seal,
        partial(definitions.share, now),
        partial(totals_update.fold, now),
    )


def end_unstartable(now: dt.datetime) -> None:
    """Queued runs of deleted and of paused jobs, and those whose start deadline has passed."""
    queued = Execution.objects.filter(state=State.QUEUED)
    first = queued.filter(trigger__in=AUTOMATIC, attempt=0)
    paused = Job.objects.paused().filter(pk=OuterRef("job_id"))
    _end(queued.filter(job=None), State.SKIPPED, Reason.DELETED, now)
    _end(first.free().filter(start_before__lt=now), State.MISSED, Reason.DEADLINE, now)
    _end(first.filter(Exists(paused)), State.SKIPPED, Reason.PAUSED, now)


def _end(queued: ExecutionQuerySet, state: State, reason: Reason, now: dt.datetime) -> None:
    @transaction.atomic
    def end(keys: list[int]) -> None:
        locked = queued.filter(pk__in=keys).locked(skip=True)
        rows = Execution.objects.filter(pk__in=locked, state=State.QUEUED)
        rows.update(**over(state, reason, now), held=False)
        if state == State.MISSED:
            pending.record_unstarted(locked, now)

    together(list(queued.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]), end, "ending")


def lose_expired(now: dt.datetime) -> None:
    """In parts, so that nobody waits for long; a lease that was renewed meanwhile is not touched."""
    expired = Execution.objects.running().filter(Q(lease_until__lt=now) | Q(lease_until=None))
    keys = list(expired.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])

    def lose(part: list[int]) -> None:
        give_up(expired.filter(pk__in=part), Reason.LOST, now, skip=True)

    for start in range(0, len(keys), TOGETHER):
        together(keys[start : start + TOGETHER], lose, "losing")


def release_held() -> None:
    """Held runs behind which nobody is: the one that should have released them crashed first."""
    others = Execution.objects.open().filter(job=OuterRef("job"), held=False)
    held = Execution.objects.filter(state=State.QUEUED, held=True).exclude(Exists(others))
    release(held.values_list("job_id", flat=True).distinct().order_by("job_id")[:AT_ONCE])


def announce(now: dt.datetime) -> None:
    """Publishes what was committed but never published, and what the broker has lost: of each queue by itself, so that a
    long one does not hide another."""
    startable = Execution.objects.startable(now).exclude(job=None)
    forgotten = Q(next_attempt_at__isnull=False) | Q(created_at__lt=now - UNANNOUNCED)
    for queue in QUEUES:
        theirs = startable.filter(of_queue(queue)).only("uid", "kind")
        silent = theirs.filter(forgotten, published_at=None)
        if runs := list(silent.order_by("due_at")[:AT_ONCE]):
            publish(runs)
        unheard = theirs.filter(published_at__lt=now - UNHEARD)
        if runs := list(unheard.order_by("published_at")[:AT_ONCE]):
            _announce_again(runs, queue)


def _announce_again(runs: list[Execution], queue: str) -> None:
    """As many as the queue is short of: a long queue is not a lost one."""
    try:
        missing = len(runs) - depth(queue)
    except BROKER_ERRORS as error:
        log.warning("broker_silent", extra={"queue": queue, "error": str(error)})
        return
    if missing > 0:
        log.info("announced_again", extra={"queue": queue, "runs": missing})
        publish(runs[:missing])


def announce_retries(now: dt.datetime) -> None:
    """Publishes attempts whose wait is over; the tick calls it, so that they start within a second of their time."""
    # Each second, and usually for nothing: the whole question is asked only where there may be any.
    if _retries(now):
        due = Execution.objects.startable(now).filter(next_attempt_at__lte=now, published_at=None)
        if runs := list(due.order_by("next_attempt_at")[:AT_ONCE]):
            publish(runs)


_retries = Prepared(
    lambda now: (
        Execution.objects.filter(state=State.QUEUED, next_attempt_at__lte=now, published_at=None)
        .order_by()
        .values_list("pk")[:1]
    ),
    dt.datetime,
)


def resume_pauses(now: dt.datetime) -> None:
    """A job that cannot be scheduled is quarantined by its resumption, and hurts none of the others."""

    def resume(key: int) -> None:
        pause = Pause.objects.select_related("job").get(pk=key)
        try:
            verbs.resume(pause.job, by=Actor.system())
        except verbs.Refused:
            Pause.objects.filter(pk=key).update(ended_at=now)

    over_now = Pause.objects.filter(ended_at=None, until__lte=now).order_by("until", "pk")
    each(over_now.values_list("pk", flat=True)[:AT_ONCE], resume, "resuming")


def pause_ended() -> int:
    """Jobs past their end date are paused, once, so that everybody sees why they do not run; how many."""
    paused: list[int] = []

    @transaction.atomic
    def pause(key: int) -> None:
        job = Job.objects.get(pk=key)
        if verbs.pause(job, by=Actor.system(), reason="end date passed"):
            end_dates.auto_paused(job, clock.now())
            paused.append(key)

    each(Job.objects.expired(today()).order_by("pk").values_list("pk", flat=True)[:AT_ONCE], pause, "pausing")
    return len(paused)
