"""Applies a previewed action job by job, and stores the result of each.

Each job is a transaction of its own: the next place of the action is taken by a conditional UPDATE, the verb follows, then its
result. Whoever took the place did it, everybody else did nothing; a crash leaves a job either untouched or with its result, and
the next turn goes on behind it. Short actions are over within the request; the rest is done in slices, by a task that announces
itself again, and by the reconciler where that task is lost.
"""

from __future__ import annotations

import datetime as dt
import logging
import time

from celery import current_app
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from audit.record import Actor
from executions.bulk import notices
from executions.bulk.commands import BulkCommand, carry_out
from executions.ledger.limits import quotas
from executions.ledger.publish import BROKER_ERRORS
from executions.models import BulkAction, BulkResult
from jobs.models import Job
from jobs.verbs import Refused
from scheduler_site.lib import clock
from scheduler_site.lib.database.errors import passes

log = logging.getLogger("executions.bulk.apply")

TASK = "executions.bulk.go_on"
# Seconds that a request, and a turn of the task or of the reconciler, may work on an action.
IN_A_REQUEST, IN_A_TURN, IN_THE_RECONCILER = 1.0, 5.0, 2.0
# Nobody else goes on for so long after the last sign of life. After too many starts it is looked at again.
LEASE, AGAIN = dt.timedelta(seconds=30), dt.timedelta(seconds=5)
RENEWED = 5.0
State, Outcome = BulkAction.State, BulkResult.Outcome


def begin(action: BulkAction) -> bool:
    """Starts the previewed action; once, however often the button is pressed."""
    planned = BulkAction.objects.filter(pk=action.pk, state=State.PLANNED)
    began: int = planned.update(state=State.RUNNING, began_at=clock.now())
    if not began:
        return False
    go_on(action.pk, IN_A_REQUEST)
    action.refresh_from_db()
    if action.state == State.RUNNING:
        announce(action)
    return True


def stop(action: BulkAction) -> bool:
    """Stops the action; what was done stays. False if it was over."""
    going = BulkAction.objects.filter(pk=action.pk, state__in=(State.PLANNED, State.RUNNING))
    return bool(going.update(state=State.STOPPED, ended_at=clock.now(), busy_until=None))


def announce(action: BulkAction) -> None:
    """The reconciler goes on where the message does not arrive."""
    try:
        current_app.send_task(TASK, args=[action.pk], queue="system", retry=False)
    except BROKER_ERRORS as error:
        log.warning("broker_silent", extra={"error": str(error)})


def turn(key: int) -> None:
    """A slice by the task."""
    go_on(key, IN_A_TURN)
    action = BulkAction.objects.filter(pk=key, state=State.RUNNING, busy_until=None).first()
    if action is not None:
        announce(action)


def resume_waiting() -> None:
    """A slice by the reconciler, of the oldest that nobody is at work on."""
    key = BulkAction.objects.waiting(clock.now()).order_by("id").values_list("pk", flat=True).first()
    if key is not None:
        go_on(key, IN_THE_RECONCILER)


def go_on(key: int, seconds: float) -> None:
    """Works on the action for so many seconds, unless another process does."""
    now = clock.now()
    if not BulkAction.objects.waiting(now).filter(pk=key).update(busy_until=now + LEASE):
        return
    action = BulkAction.objects.select_related("by").get(pk=key)
    # What is refused is said in the language of who asked.
    with translation.override(action.language or "en"):
        _go_on(action, seconds)


def _go_on(action: BulkAction, seconds: float) -> None:
    key, command = action.pk, BulkCommand.of(action)
    by = Actor(action.by, action.surface, action.address, action.operator, quiet=True)
    again: dt.datetime | None = None
    deadline, renewed = time.monotonic() + seconds, time.monotonic()
    try:
        while action.done < action.total and time.monotonic() < deadline:
            if not _step(action, command, by):
                return
            if time.monotonic() - renewed > RENEWED:
                BulkAction.objects.filter(pk=key).update(busy_until=clock.now() + LEASE)
                renewed = time.monotonic()
    except quotas.TooMany:
        again = clock.now() + AGAIN
    if action.done >= action.total:
        _end(action)
    else:
        BulkAction.objects.filter(pk=key, state=State.RUNNING).update(busy_until=again)


def _step(action: BulkAction, command: BulkCommand, by: Actor) -> bool:
    """One job. False when somebody else has taken its place, or the action was stopped. Raises TooMany."""
    place = action.done
    with transaction.atomic():
        mine = BulkAction.objects.filter(pk=action.pk, state=State.RUNNING, done=place)
        if not mine.update(done=place + 1):
            return False
        result = _judged(action.keys[place], command, by)
        result.action, result.place = action, place
        result.save()
    action.done = place + 1
    return True


def _judged(key: int, command: BulkCommand, by: Actor) -> BulkResult:
    user = by.user
    job = Job.objects.visible_to(user).filter(pk=key).first() if user else None
    if job is None or user is None:
        return BulkResult(outcome=Outcome.GONE)
    told = BulkResult(job_uid=job.uid, job_name=job.name, outcome=Outcome.DONE)
    if not (user.has_perm(command.permission) and Job.objects.changeable_by(user).filter(pk=key).exists()):
        told.outcome, told.text = Outcome.REFUSED, _("You may not change it.")
        return told
    try:
        # What a verb wrote before it refused goes; the result stays.
        with transaction.atomic():
            if not carry_out(job, command, by):
                told.outcome = Outcome.UNCHANGED
    except quotas.TooMany:
        raise
    except Refused as reason:
        told.outcome, told.text = Outcome.REFUSED, str(reason)[:500]
    except Job.DoesNotExist:
        told.outcome = Outcome.GONE
    except Exception as error:
        if passes(error):
            raise
        log.exception("bulk_step_failed", extra={"job": job.name})
        told.outcome, told.text = Outcome.ERROR, _("An error of Belfry's own; it has been logged.")
    return told


@transaction.atomic
def _end(action: BulkAction) -> None:
    running = BulkAction.objects.filter(pk=action.pk, state=State.RUNNING, done=action.total)
    if not running.update(state=State.DONE, ended_at=clock.now(), busy_until=None):
        return
    notices.done(action, action.results.filter(outcome=Outcome.DONE).count())
