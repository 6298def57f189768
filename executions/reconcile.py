"""Mends what a crash at any line leaves behind. Every process takes turns at it, so it needs neither beat nor broker.

Nothing here is fast or clever: each step is a query that finds rows in a state that should not last, and the same
conditional transition that anybody else would make.
"""

from __future__ import annotations

import datetime as dt
import logging
import time

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from audit import chain
from audit.record import By
from environments.operations import ledger as operations
from executions import alerts, ending, selfwatch, watch
from executions.heartbeat import forget_gone, reconciled
from executions.held import release
from executions.lost import lose
from executions.models import AUTOMATIC, Execution, ExecutionQuerySet, Heartbeat, Reason, State, over
from executions.publish import BROKER_ERRORS, depth, publish, queue_of
from jobs import verbs
from jobs.models import Job, Pause, today
from scheduler_site import clock

log = logging.getLogger("executions.reconcile")

EVERY = dt.timedelta(seconds=10)
# After a time in which nobody reconciled (an outage), living workers get so long to renew their leases.
SETTLE = dt.timedelta(seconds=20)
# A row that was committed but not announced for so long was forgotten by its author.
UNANNOUNCED = dt.timedelta(seconds=5)
# A message that was not acted upon for so long may have been lost with its broker.
UNHEARD = dt.timedelta(seconds=30)
AT_ONCE = 1000
# So many runs are given up in one transaction.
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
    last = Heartbeat.objects.filter(name="reconciler").values_list("at", flat=True).first()
    if last is None or last > now + EVERY:
        return 0.0
    return min(max((last + EVERY - now).total_seconds(), 0.0), EVERY.total_seconds())


def take_turn(now: dt.datetime | None = None) -> bool:
    """Reconciles if nobody did in the last ten seconds; the database decides whose turn it is."""
    now = now or clock.now()
    turn, _ = Heartbeat.objects.get_or_create(
        name="reconciler", defaults={"role": "reconciler", "at": now - 2 * EVERY, "started_at": now}
    )
    # A clock that went back must not stop reconciling until it has caught up. It is no gap: leases last longer by it.
    if now - EVERY < turn.at <= now + EVERY:
        return False
    gap = now - turn.at > 3 * EVERY
    since = now if gap else min(turn.started_at, now)
    if not Heartbeat.objects.filter(pk=turn.pk, at=turn.at).update(at=now, started_at=since):
        return False
    settled = now - since >= SETTLE
    try:
        reconcile(now, settled=settled)
        reconciled(now)
    finally:
        # Also when it fails: people must hear that it does.
        selfwatch.outage(turn.at, now)
        watch.look(now, settled=settled)
    return True


def reconcile(now: dt.datetime, *, settled: bool = True) -> None:
    """1. ends what may not start any more  2. gives up runs without a living worker  3. releases held runs
    4. announces what was not announced or not heard  5. resumes pauses that are over, pauses jobs that have ended
    6. seals the entries of the audit trail  7. gives up operations on environments without a living worker."""
    end_unstartable(now)
    if settled:
        lose_expired(now)
        operations.reconcile(now)
    release_held()
    announce(now)
    resume_pauses(now)
    pause_ended()
    forget_gone(now)
    chain.seal()


def end_unstartable(now: dt.datetime) -> None:
    """Queued runs of deleted and of paused jobs, and those whose start deadline has passed."""
    queued = Execution.objects.filter(state=State.QUEUED)
    first = queued.filter(trigger__in=AUTOMATIC, attempt=0)
    paused = Job.objects.paused().filter(pk=OuterRef("job_id"))
    _end(queued.filter(job=None), State.SKIPPED, Reason.DELETED, now)
    _end(first.filter(start_before__lt=now), State.MISSED, Reason.DEADLINE, now)
    _end(first.filter(Exists(paused)), State.SKIPPED, Reason.PAUSED, now)


@transaction.atomic
def _end(queued: ExecutionQuerySet, state: State, reason: Reason, now: dt.datetime) -> None:
    if keys := queued.locked(skip=True, most=AT_ONCE):
        Execution.objects.filter(pk__in=keys, state=State.QUEUED).update(
            **over(state, reason, now), held=False
        )
        if state == State.MISSED:
            alerts.unstarted(keys, now)


def lose_expired(now: dt.datetime) -> None:
    """In parts, so that nobody waits for long; a lease that was renewed meanwhile is not touched."""
    expired = Execution.objects.running().filter(Q(lease_until__lt=now) | Q(lease_until=None))
    keys = list(expired.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    for start in range(0, len(keys), TOGETHER):
        lose(expired.filter(pk__in=keys[start : start + TOGETHER]), Reason.LOST, now, skip=True)


def release_held() -> None:
    """Held runs behind which nobody is: the one that should have released them crashed first."""
    others = Execution.objects.open().filter(job=OuterRef("job"), held=False)
    held = Execution.objects.filter(state=State.QUEUED, held=True).exclude(Exists(others))
    release(held.values_list("job_id", flat=True).distinct().order_by("job_id")[:AT_ONCE])


def announce(now: dt.datetime) -> None:
    """Publishes what was committed but never published, and what the broker has lost."""
    startable = Execution.objects.startable(now).exclude(job=None)
    silent = startable.filter(published_at=None).filter(
        Q(next_attempt_at__isnull=False) | Q(created_at__lt=now - UNANNOUNCED)
    )
    if runs := list(silent.order_by("due_at")[:AT_ONCE]):
        publish(runs)
    unheard = list(
        startable.filter(published_at__lt=now - UNHEARD)
        .order_by("published_at")
        .only("uid", "kind")[:AT_ONCE]
    )
    for queue in {queue_of(run.kind) for run in unheard}:
        _announce_again([run for run in unheard if queue_of(run.kind) == queue], queue)


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
    due = Execution.objects.startable(now).filter(next_attempt_at__lte=now, published_at=None)
    if runs := list(due.order_by("next_attempt_at")[:AT_ONCE]):
        publish(runs)


def resume_pauses(now: dt.datetime) -> None:
    for pause in Pause.objects.filter(ended_at=None, until__lte=now).select_related("job")[:AT_ONCE]:
        try:
            verbs.resume(pause.job, by=By.system())
        except verbs.Refused:
            Pause.objects.filter(pk=pause.pk).update(ended_at=now)


def pause_ended() -> int:
    """Jobs past their end date are paused, once, so that everybody sees why they do not run; how many."""
    paused = 0
    for job in Job.objects.expired(today())[:AT_ONCE]:
        with transaction.atomic():
            if verbs.pause(job, by=By.system(), reason="end date passed"):
                ending.auto_paused(job, clock.now())
                paused += 1
    return paused
