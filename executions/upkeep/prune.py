"""Deletes rows that are older than their retention, in small batches that hold no lock for long."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.db.models import CASCADE, ManyToOneRel, Max, Model, Q, QuerySet
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule

from accounts.signin import logins, tokens
from audit import chain
from environments.models import Operation
from executions.ledger import artifacts
from executions.ledger.idempotency import KEPT
from executions.models import OPEN, BulkAction, Definition, Execution, ExecutionQuerySet, IdempotencyKey
from executions.monitoring import counting
from executions.upkeep import definitions
from incidents.models import Incident, Mute
from jobs.models import Job, Script, by_digest, named_digest
from notifications.models import Alert, Notification
from scheduler_site.lib import clock

log = logging.getLogger("executions.upkeep.prune")

BATCH = 1000
# So many runs go at once, with all that they wrote.
SLICE = 200
# So many runs may have been written by transactions that were open a moment ago.
OPEN_KEYS = 10_000


def prune(now: dt.datetime | None = None) -> int:
    """Removes ended runs older than EXECUTION_RETENTION_DAYS with their output, measurements and artifacts, and alerts,
    notifications, incidents and operations of that age; definitions that no run names; texts of scripts that no job and no
    run names; schedules that no task uses; expired tokens; keys of requests that are a day old. Of the audit trail nothing is
    ever removed; its chain is completed.

    Of each job the newest run is kept whatever its age, so that a yearly job still shows how it last ended.
    """
    now = now or clock.now()
    before = now - dt.timedelta(days=settings.EXECUTION_RETENTION_DAYS)
    removed = _remove_runs(before)
    counting.check()
    # Not those of the runs that have just gone, but all that no run has: nothing is left over by a crash in between.
    folders = artifacts.sweep()
    told = definitions.forget()
    texts = _forget_scripts()
    _remove(Notification.objects.filter(created_at__lt=before))
    _remove(Incident.objects.filter(closed_at__lt=before))
    _remove(Mute.objects.filter(until__lt=now))
    _remove(Alert.objects.filter(created_at__lt=before).exclude(state__in=Alert.OPEN))
    _remove(Operation.objects.filter(created_at__lt=before).exclude(state__in=Operation.OPEN))
    _remove(IdempotencyKey.objects.filter(at__lt=now - KEPT))
    _remove(BulkAction.objects.filter(created_at__lt=now - KEPT, state=BulkAction.State.PLANNED))
    _remove(BulkAction.objects.filter(created_at__lt=before))
    for model in (CrontabSchedule, IntervalSchedule, ClockedSchedule):
        _remove(model.objects.filter(periodictask=None))
    chain.seal(everything=True)
    gone = {
        "executions": removed,
        "tokens": tokens.flush(),
        "logins": logins.flush(),
        "artifact_folders": folders,
        "definitions": told,
        "scripts": texts,
    }
    log.info("pruned", extra=gone)
    return removed


def _remove_runs(before: dt.datetime) -> int:
    """In slices along the index: nothing looks at the whole ledger, loads a whole row, or holds others up for long."""
    old = Execution.objects.filter(due_at__lt=before).exclude(state__in=OPEN).order_by("due_at", "id")
    newest: dict[int, int] = {}
    removed, rest = 0, old
    while found := list(rest.values_list("pk", "job_id", "due_at")[:SLICE]):
        last, _job, due = found[-1]
        rest = old.filter(Q(due_at__gt=due) | Q(due_at=due, pk__gt=last))
        for job in {job for _key, job, _due in found if job is not None} - newest.keys():
            newest[job] = _newest(job)
        keys = [key for key, job, _due in found if newest.get(job or 0) != key]
        _erase(Execution, keys)
        removed += len(keys)
    return removed


def _newest(job: int) -> int:
    """The key of a job's newest run, by its index."""
    rows = Execution.objects.filter(job=job).order_by("-due_at", "-id")
    return rows.values_list("pk", flat=True).first() or 0


@transaction.atomic
def _erase(model: type[Model], keys: list[int]) -> None:
    """Removes rows and what belongs to them. Django itself would load every row first, to look for signals."""
    if model is Execution:
        counting.take_away(keys, clock.now())
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


def _forget_scripts() -> int:
    """Removes the texts that no job and no run names; how many.

    Found without a lock, which takes a while; judged again with one: `Script.keep` locks a text until who names it is written.
    """
    runs, told = Execution.objects.all(), Definition.objects.all()
    newest_run, newest_told = (rows.aggregate(newest=Max("pk"))["newest"] or 0 for rows in (runs, told))
    digests = set(Script.objects.values_list("digest", flat=True))
    spare = list(digests - _of_jobs() - _of_runs(runs) - _told(told) if digests else ())
    removed = 0
    for start in range(0, len(spare), BATCH):
        with transaction.atomic():
            rows = Script.objects.select_for_update().filter(digest__in=spare[start : start + BATCH])
            locked = set(rows.order_by("pk").values_list("digest", flat=True))
            # Keys come in order, but for those of transactions that are still open.
            since = runs.filter(pk__gt=newest_run - OPEN_KEYS)
            told_since = told.filter(pk__gt=newest_told - OPEN_KEYS)
            unnamed = locked - _of_jobs() - _of_runs(since) - _told(told_since)
            removed += Script.objects.filter(digest__in=unnamed).delete()[0]
    return removed


def _of_jobs() -> set[str]:
    options = Job.objects.filter(kind=Job.Kind.SCRIPT).values_list("options", flat=True).iterator()
    return {named_digest(by_digest(one)) for one in options}


def _of_runs(runs: ExecutionQuerySet) -> set[str]:
    """Of those that have options of their own, and of rows of earlier releases."""
    digests: set[str] = set()
    for some in definitions.slices(runs):
        named = some.filter(kind=Job.Kind.SCRIPT).values_list("definition__options", flat=True).distinct()
        digests |= {named_digest(one) for one in named if isinstance(one, dict)}
    return digests


def _told(rows: QuerySet[Definition]) -> set[str]:
    digests: set[str] = set()
    for some in definitions.slices(rows):
        named = some.filter(body__kind=Job.Kind.SCRIPT).values_list("body__options", flat=True)
        digests |= {named_digest(one) for one in named if isinstance(one, dict)}
    return digests


def _remove(rows: QuerySet[Model]) -> int:
    """In slices by key, each after the last: what went before is not looked at again."""
    total, rest = 0, rows
    while keys := list(rest.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        _erase(rows.model, keys)
        rest = rows.filter(pk__gt=keys[-1])
        total += len(keys)
    return total
