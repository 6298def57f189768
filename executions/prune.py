"""Forgets what is old: rows beyond their retention, in small batches that lock nothing for long."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db.models import Max, Model, QuerySet
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule

from accounts import tokens
from audit import chain
from executions.models import OPEN, Execution, IdempotencyKey
from executions.once import KEPT
from notifications.models import Alert, Notification
from scheduler_site import clock

log = logging.getLogger("executions.prune")

BATCH = 1000


def prune(now: dt.datetime | None = None) -> int:
    """Removes ended runs older than EXECUTION_RETENTION_DAYS with their output, and alerts and notifications
    of that age; schedules that no task uses; expired tokens; keys of requests that are a day old. Of the audit trail
    nothing is ever removed; its chain is completed.

    Of each job the newest run is kept whatever its age, so that a yearly job still shows how it last ended.
    """
    now = now or clock.now()
    before = now - dt.timedelta(days=settings.EXECUTION_RETENTION_DAYS)
    newest = _newest_of_each_job()
    old = Execution.objects.filter(due_at__lt=before).exclude(state__in=OPEN).exclude(pk__in=newest)
    removed = _remove(old)
    _remove(Notification.objects.filter(created_at__lt=before))
    _remove(Alert.objects.filter(created_at__lt=before).exclude(state__in=Alert.OPEN))
    _remove(IdempotencyKey.objects.filter(at__lt=now - KEPT))
    for model in (CrontabSchedule, IntervalSchedule, ClockedSchedule):
        _remove(model.objects.filter(periodictask=None))
    chain.seal(everything=True)
    log.info("pruned", extra={"executions": removed, "tokens": tokens.flush()})
    return removed


def _newest_of_each_job() -> QuerySet[Execution, int]:
    newest = Execution.objects.exclude(job=None).order_by().values("job").annotate(newest=Max("pk"))
    return newest.values_list("newest", flat=True)


def _remove(rows: QuerySet[Model]) -> int:
    total = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=keys).delete()
        total += len(keys)
    return total
