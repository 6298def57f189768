"""Removing a job whose history is long. Its runs stay, without it; to take them off it in one statement would hold the
database up for many seconds.

So the job is hidden at once, its name is free, and its newest runs and those that go on are without it. The others follow in
slices (`go_on`, which the reconciler calls); the hidden row goes with the last of them. A crash in between leaves a hidden
row, and the next turn goes on.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.db import transaction
from django.db.models import CASCADE, ManyToOneRel

from jobs.models import Job

# As many runs are taken off the job at once: in the request, and in each statement afterwards.
AT_ONCE, SLICE = 1000, 500
# Seconds that one turn of the reconciler spends on this.
SECONDS = 3.0


def remove(job: Job, now: dt.datetime) -> None:
    """Removes a job, which is locked, or hides it. To be called in a transaction."""
    newest = job.executions.order_by("-due_at", "-id").values_list("pk", flat=True)
    keys = list(newest[: AT_ONCE + 1])
    if len(keys) <= AT_ONCE:
        job.delete()
        return
    job.executions.open().update(job=None)
    job.executions.filter(pk__in=keys).update(job=None)
    for relation in Job._meta.related_objects:
        if isinstance(relation, ManyToOneRel) and relation.on_delete is CASCADE:
            relation.related_model._base_manager.filter(**{relation.field.name: job}).delete()
    # No name has a line break.
    hidden = {"name": f"{job.uid}\n", "deleted_at": now, "next_run_at": None, "periodic_task": None}
    emptied: dict[str, Any] = {
        "secrets": {},
        "options": {},
        "metadata": {},
        "pending_segments": [],
        "client_form": {},
    }
    gone = {"environment": None, "owner": None, "team": None, "end_date": None}
    Job.objects.filter(pk=job.pk).update(**hidden, **emptied, **gone)


def go_on(seconds: float = SECONDS) -> int:
    """Detaches runs from hidden jobs for at most so many seconds; returns how many."""
    deadline, done = time.monotonic() + seconds, 0
    for job in Job.everything.filter(deleted_at__isnull=False).order_by("deleted_at", "pk"):
        while taken := _take_off(job):
            done += taken
            if time.monotonic() > deadline:
                return done
        if not job.executions.exists():
            job.delete()
    return done


@transaction.atomic
def _take_off(job: Job) -> int:
    """Found in the order of their index, without a lock: by key, a server sorts and locks all that are left each time. What
    somebody else has locked comes next time."""
    keys = list(job.executions.order_by("-due_at", "-id").values_list("pk", flat=True)[:SLICE])
    locked = job.executions.filter(pk__in=keys).locked(skip=True)
    return job.executions.filter(pk__in=locked).update(job=None)
