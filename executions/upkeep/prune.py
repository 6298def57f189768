"""Deletes rows that are older than their retention, in small batches that hold no lock for long (runs: retention.py)."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Model, QuerySet
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule

from accounts.signin import json_web_tokens, logins
from audit import chain
from environments.models import Operation
from executions.ledger import artifacts
from executions.ledger.idempotency import KEPT
from executions.models import BulkAction, Definition, Execution, ExecutionQuerySet, IdempotencyKey
from executions.monitoring import totals_update
from executions.upkeep import definitions, retention
from executions.upkeep.retention import erase
from incidents.models import Incident, Mute
from jobs.models import Job, Script, by_digest, named_digest
from notifications.models import Alert, Notification
from scheduler_site.lib import clock

log = logging.getLogger("executions.upkeep.prune")

BATCH = 1000
# At most this many runs may come from transactions that were open a moment ago.
OPEN_KEYS = 10_000


def prune(now: dt.datetime | None = None) -> int:
    """Removes runs beyond their retention (executions/upkeep/retention.py); alerts, notifications, incidents and operations
    older than EXECUTION_RETENTION_DAYS; definitions that no run names; texts of scripts that no job and no run names;
    schedules that no task uses; expired tokens; keys of requests that are a day old. Of the audit trail nothing is ever
    removed; its chain is completed. Answers with the number of runs.
    """
    now = now or clock.now()
    before = now - dt.timedelta(days=settings.EXECUTION_RETENTION_DAYS)
    removed = retention.remove_runs(now)
    totals_update.check()
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
        "tokens": json_web_tokens.flush(),
        "logins": logins.flush(),
        "artifact_folders": folders,
        "definitions": told,
        "scripts": texts,
    }
    log.info("pruned", extra=gone)
    return removed


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
        erase(rows.model, keys)
        rest = rows.filter(pk__gt=keys[-1])
        total += len(keys)
    return total
