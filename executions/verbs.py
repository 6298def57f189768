"""What people do to runs."""

from __future__ import annotations

from django.db import transaction

from audit.models import Entry
from audit.record import By, record
from executions import followers
from executions.followers import End
from executions.held import release
from executions.models import Execution, Reason, State, over
from scheduler_site import clock


@transaction.atomic
def stop(execution: Execution, *, by: By) -> bool:
    """Ends a waiting run at once, and asks the worker of a running one to end it. False when it had ended already."""
    now = clock.now()
    led_on = followers.of([execution.job_id])
    rows = Execution.objects.filter(pk=execution.pk)
    begun = rows.filter(state=State.QUEUED, attempt__gt=0).locked()
    stopped = rows.filter(state=State.QUEUED).update(**over(State.STOPPED, Reason.STOPPED, now), held=False)
    asked = stopped or rows.filter(state=State.RUNNING, stop_requested_at=None).update(
        stop_requested_at=now, stop_reason=Reason.STOPPED
    )
    if not asked:
        return False
    record(Entry.Event.STOPPED, execution, by=by)
    if stopped and begun:
        # It waited for its next attempt: this is the end of a run, and not of one that never began.
        followers.start(led_on, [End(execution.pk, execution.job_id, State.STOPPED, stopped=True)], now)
    if stopped:
        release([execution.job_id])
    return True
