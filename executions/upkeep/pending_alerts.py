"""Alerts about missed and lost runs, collected for a short time, so that an outage is one message."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, QuerySet
from django.utils.translation import gettext_noop as _

from executions.alerting import alert_texts, grouping, incident_triggers
from executions.alerting.cause import cause
from executions.alerting.grouping import Event, Item
from executions.alerting.pending import BATCH
from executions.alerting.recipients import mention_of
from executions.models import AlertCondition, Execution, PendingAlert, Trigger
from incidents.alert_texts import when
from incidents.models import Incident
from notifications.texts import Text, Words

AT_ONCE = 5000
# What was missed is told when nothing new has come for a moment, or after a while: an outage ends in many steps.
QUIET = dt.timedelta(seconds=10)
LONGEST_QUIET = dt.timedelta(seconds=60)


def tell_pending(now: dt.datetime) -> None:
    """Gathers what was noted; of jobs that are known to miss their times nothing is told again."""
    times = PendingAlert.objects.aggregate(oldest=Min("at"), newest=Max("at"))
    if times["newest"] is None:
        return
    if times["newest"] <= now - QUIET or times["oldest"] <= now - LONGEST_QUIET:
        _gather(now)


@transaction.atomic
def _gather(now: dt.datetime) -> None:
    keys = locked(PendingAlert.objects.all())
    found = list(
        PendingAlert.objects.filter(pk__in=keys).select_related("job__team", "job__owner").order_by("pk")
    )
    _tell_missed([row for row in found if row.execution_uid is None], now)
    _tell_lost([row for row in found if row.execution_uid is not None], now)
    PendingAlert.objects.filter(pk__in=keys).delete()


def _tell_missed(rows: list[PendingAlert], now: dt.datetime) -> None:
    known = AlertCondition.objects.filter(
        kind=AlertCondition.Kind.MISSED, job__in=[row.job_id for row in rows]
    )
    watched = set(known.values_list("job_id", flat=True))
    news = _merged([row for row in rows if row.job_id not in watched])
    if not news:
        return
    slots = sum(row.slots for row in news)
    first, last = min(row.first for row in news), max(row.last for row in news)
    headline = _span(_("%(count)s due times were missed between %(first)s and %(last)s"), slots, first, last)
    items = [
        Item(
            row.job,
            Event.MISSED,
            row.key,
            alert_texts.missed(row.job, row.slots, row.made_up, row.first, row.last),
            _missed_line(row),
            incident=incident_triggers.opened_by(_condition(row), now),
        )
        for row in news
    ]
    in_one = grouping.announce_opened(items, headline, "/executions?state=missed", now)
    # The end of what was told in one message, or was made up for at once, is not told job by job.
    conditions = []
    for row in news:
        condition = _condition(row)
        condition.told_at, condition.quiet = now, in_one or row.made_up == row.slots
        conditions.append(condition)
    AlertCondition.objects.bulk_create(conditions, ignore_conflicts=True, batch_size=BATCH)


def _condition(row: PendingAlert) -> AlertCondition:
    return AlertCondition(
        subject=str(row.job.uid), kind=AlertCondition.Kind.MISSED, job=row.job, since=row.last
    )


def _missed_line(row: PendingAlert) -> Words:
    values = {"job": row.job.name, "count": str(row.slots)}
    if row.made_up:
        return Text(
            _("%(job)s: %(count)s, %(some)s of them covered by a later run"), some=str(row.made_up), **values
        )
    return "{job}: {count}".format(**values)


def _span(template: str, count: int, first: dt.datetime, last: dt.datetime) -> Text:
    return Text(template, count=str(count), first=when(first), last=when(last))


def _merged(rows: list[PendingAlert]) -> list[PendingAlert]:
    """One row for each job."""
    by_job: dict[int, PendingAlert] = {}
    for row in rows:
        if (known := by_job.setdefault(row.job_id, row)) is not row:
            known.slots += row.slots
            known.made_up += row.made_up
            known.first, known.last = min(known.first, row.first), max(known.last, row.last)
    return list(by_job.values())


def _tell_lost(rows: list[PendingAlert], now: dt.datetime) -> None:
    if not rows:
        return
    runs = {run.uid: run for run in Execution.objects.filter(uid__in=[row.execution_uid for row in rows])}
    by_hand = {uid for uid, run in runs.items() if run.trigger == Trigger.MANUAL}
    # Of many it is one message, which names them and no more.
    causes = {uid: cause(run) for uid, run in runs.items()} if len(rows) <= grouping.FEW else {}
    items = [
        Item(
            row.job,
            Event.JOB_FAILED,
            row.key,
            alert_texts.failed(
                row.job.name,
                str(row.job.uid),
                str(row.execution_uid),
                row.error,
                mention_of(row.job),
                causes.get(row.execution_uid) if row.execution_uid else None,
            ),
            f"{row.job.name}: {row.error}",
            execution_uid=row.execution_uid,
            inbox_only=row.execution_uid in by_hand,
        )
        for row in rows
    ]
    opened = _opened(rows)
    items = [
        item if item.inbox_only else replace(item, incident=opened.get(item.execution_uid)) for item in items
    ]
    first, last = min(row.first for row in rows), max(row.last for row in rows)
    headline = _span(_("%(count)s runs due between %(first)s and %(last)s were lost"), len(rows), first, last)
    grouping.announce_opened(items, headline, "/executions?state=lost", now)


def _opened(rows: list[PendingAlert]) -> dict[uuid.UUID | None, Incident]:
    """The incidents of which these runs are the newest, unless their jobs tell each run by itself."""
    found = Incident.objects.open().filter(last_run__in=[row.execution_uid for row in rows])
    each = {row.execution_uid for row in rows if row.job.tell_each_run}
    return {one.last_run: one for one in found.select_related("team") if one.last_run not in each}


def locked(rows: QuerySet[Any]) -> list[int]:
    """The keys of rows that are ours until the transaction ends; without joins, which not every database can lock."""
    return list(rows.select_for_update().order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
