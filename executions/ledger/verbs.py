"""What people do to runs."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import Actor, record
from executions.ledger import downstream
from executions.ledger.downstream import End
from executions.ledger.limits.overlap import release
from executions.models import Execution, ExecutionQuerySet, Reason, State, over
from jobs.models import Job
from jobs.verbs import Refused
from scheduler_site.lib import clock


@transaction.atomic
def stop(execution: Execution, *, by: Actor) -> bool:
    """Ends a waiting run at once, and asks the worker of a running one to end it. False when it had ended already."""
    now = clock.now()
    led_on = downstream.of([execution.job_id])
    rows = Execution.objects.filter(pk=execution.pk)
    begun = rows.filter(state=State.QUEUED, attempt__gt=0).locked()
    stopped = rows.filter(state=State.QUEUED).update(**over(State.STOPPED, Reason.STOPPED, now), held=False)
    asked = stopped or rows.filter(state=State.RUNNING, stop_requested_at=None).update(
        stop_requested_at=now, stop_reason=Reason.STOPPED
    )
    if not asked:
        return False
    record(Entry.Event.STOPPED, execution, by=by)
    for run in rows.running().exclude(suspended_at=None):
        rows.filter(suspended_at=run.suspended_at).update(suspended_seconds=_stood_still(run))
    if stopped and begun:
        # It waited for its next attempt: this is the end of a run, and not of one that never began.
        downstream.start(led_on, [End(execution.pk, execution.job_id, State.STOPPED, stopped=True)], now)
    if stopped:
        release([execution.job_id])
    return True


@transaction.atomic
def suspend(execution: Execution, *, by: Actor) -> bool:
    """Lets a run of code stand still until it is resumed or stopped. False when it does already.

    Its worker hears of it within a second; its time limit stands still meanwhile. Raises Refused for other kinds, and for a run
    that does not run.
    """
    _refuse_unless_it_runs(execution)
    if not _running_code(execution, suspended_at=None).update(suspended_at=clock.now()):
        _refuse_unless_it_runs(execution)
        return False
    record(Entry.Event.PAUSED, execution, by=by)
    return True


@transaction.atomic
def resume(execution: Execution, *, by: Actor) -> bool:
    """Lets a suspended run go on. False when it goes on already. Raises Refused as `suspend`."""
    _refuse_unless_it_runs(execution)
    since = execution.suspended_at
    if since is None:
        return False
    row = _running_code(execution, suspended_at=since)
    if not row.update(suspended_at=None, suspended_seconds=_stood_still(execution)):
        _refuse_unless_it_runs(execution)
        return False
    record(Entry.Event.RESUMED, execution, by=by)
    return True


def _stood_still(execution: Execution) -> float:
    """How long it has been suspended until now, all times together, in seconds."""
    since = execution.suspended_at or clock.now()
    return execution.suspended_seconds + max(0.0, (clock.now() - since).total_seconds())


def _running_code(execution: Execution, **values: Any) -> ExecutionQuerySet:
    return Execution.objects.running().filter(
        pk=execution.pk, attempt=execution.attempt, stop_requested_at=None, **values
    )


def _refuse_unless_it_runs(execution: Execution) -> None:
    """Reads its state; raises Refused with what keeps it from being suspended or resumed."""
    names = ("state", "attempt", "stop_requested_at", "suspended_at", "suspended_seconds")
    execution.refresh_from_db(fields=names)
    if execution.kind not in Job.CODE_KINDS:
        raise Refused(_("Only runs of code can be suspended."))
    if execution.state == State.QUEUED:
        raise Refused(_("The run has not started yet."))
    if execution.state != State.RUNNING:
        raise Refused(_("The run has ended already."))
    if execution.is_stopping:
        raise Refused(_("The run is being stopped."))
