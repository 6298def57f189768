"""Which runs go: those beyond their age, and those beyond their number, in slices that hold no lock for long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import CASCADE, ManyToOneRel, Model, Q, Sum

from executions.models import OPEN, Execution, ExecutionQuerySet, Total
from executions.monitoring import totals_update
from jobs.models import Job
from scheduler_site.lib import clock

# Runs are removed in slices of this size, with their output.
SLICE = 200
# What happened within this time is kept whatever its number: a retry, a follower or an alert may still ask for it.
KEPT = dt.timedelta(hours=24)


def remove_runs(now: dt.datetime) -> int:
    """Removes ended runs that are older than EXECUTION_RETENTION_DAYS, and of each job those beyond its newest
    EXECUTION_RETENTION_PER_JOB, with their output, measurements and artifacts; how many.

    Of each job the newest run is kept whatever its age, so that a yearly job still shows how it last ended.
    """
    removed = _remove_old(now - dt.timedelta(days=settings.EXECUTION_RETENTION_DAYS))
    if most := settings.EXECUTION_RETENTION_PER_JOB:
        removed += sum(_remove_beyond(job, most, now - KEPT) for job in _jobs_with_more_than(most))
    return removed


def _remove_old(before: dt.datetime) -> int:
    newest: dict[int, int] = {}
    removed = 0
    for found in _slices(Execution.objects.filter(due_at__lt=before)):
        for job in {job for _key, job in found if job is not None} - newest.keys():
            newest[job] = _newest(job)
        keys = [key for key, job in found if newest.get(job or 0) != key]
        erase(Execution, keys)
        removed += len(keys)
    return removed


def _jobs_with_more_than(most: int) -> list[int]:
    """By the totals, which do not grow with the ledger."""
    sums = Total.objects.filter(scope=Total.Scope.JOB).values("job_uid").annotate(runs=Sum("count"))
    uids = sums.filter(runs__gt=most).values("job_uid")
    return list(Job.objects.filter(uid__in=uids).values_list("pk", flat=True))


def _remove_beyond(job: int, most: int, before: dt.datetime) -> int:
    rows = Execution.objects.filter(job=job)
    last = rows.order_by("-due_at", "-id").values_list("due_at", "pk")[most - 1 : most].first()
    if last is None:
        return 0
    due, key = last
    beyond = rows.filter(Q(due_at__lt=due) | Q(due_at=due, pk__lt=key), due_at__lt=before)
    removed = 0
    for found in _slices(beyond):
        erase(Execution, [key for key, _job in found])
        removed += len(found)
    return removed


def _slices(rows: ExecutionQuerySet) -> Iterator[list[tuple[int, int | None]]]:
    """The ended ones' keys and jobs, along the index: nothing looks at the whole ledger or loads a whole row."""
    ended = rows.exclude(state__in=OPEN).order_by("due_at", "id")
    rest = ended
    while found := list(rest.values_list("pk", "job_id", "due_at")[:SLICE]):
        last, _job, due = found[-1]
        rest = ended.filter(Q(due_at__gt=due) | Q(due_at=due, pk__gt=last))
        yield [(key, job) for key, job, _due in found]


def _newest(job: int) -> int:
    """The key of a job's newest run, by its index."""
    rows = Execution.objects.filter(job=job).order_by("-due_at", "-id")
    return rows.values_list("pk", flat=True).first() or 0


@transaction.atomic
def erase(model: type[Model], keys: list[int]) -> None:
    """Removes rows and what belongs to them. Django itself would load every row first, to look for signals."""
    if model is Execution:
        totals_update.take_away(keys, clock.now())
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ManyToOneRel):
            continue
        theirs = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": keys})
        if relation.on_delete is CASCADE:
            theirs._raw_delete(using=theirs.db)
        else:
            theirs.update(**{relation.field.name: None})
    rows = model._base_manager.filter(pk__in=keys)
    rows._raw_delete(using=rows.db)
