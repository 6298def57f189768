"""Detects alert conditions of jobs, as part of the reconciler: missed, lost, late, too long, and their recoveries.

The process that detects a condition creates an `AlertCondition`; the process whose conditional UPDATE changes that row
sends the alert. So each change of state and each recovery is sent once, however many processes check.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from django.db import transaction
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext_noop as _

from executions.alerting import alert_texts, grouping, incident_triggers, pending, unusual
from executions.alerting.grouping import Event, Item
from executions.ledger.error_isolation import steps
from executions.models import AUTOMATIC, AlertCondition, Execution, State, Trigger
from executions.upkeep import digest, end_dates, self_monitoring
from executions.upkeep.pending_alerts import AT_ONCE, locked, tell_pending
from incidents import lifecycle, notify
from incidents.alert_texts import when
from jobs.models import Job
from notifications.delivery.background import later
from notifications.delivery.deliver import deliver_due
from notifications.messages import Message
from notifications.models import Alert
from notifications.texts import Text

Kind = AlertCondition.Kind
OF_JOBS = (Kind.LATE, Kind.MISSED, Kind.OVERRUN, Kind.BLOCKED, *unusual.ALL)
# A run that goes on for so long, and lets so many due times in a row be skipped, is told of.
BLOCKED_FOR, BLOCKED_TIMES = dt.timedelta(minutes=10), 5
# An alert that is due for so long is not being looked after by a system worker.
FORGOTTEN = dt.timedelta(seconds=15)
# Of jobs whose schedule is off nothing is expected.
GOING = Q(job__periodic_task=None) | Q(job__periodic_task__enabled=True)
DETAILS = {
    Kind.LATE: Text(_("late")),
    Kind.MISSED: Text(_("missed")),
    Kind.OVERRUN: Text(_("over expected duration")),
    Kind.SLOW: Text(_("taking longer than usual")),
    Kind.QUICK: Text(_("taking less time than usual")),
    Kind.MEMORY: Text(_("using more memory than usual")),
    Kind.BLOCKED: Text(_("due times were skipped")),
}
HEADLINES = {
    Kind.LATE: _("%(count)s jobs are late"),
    Kind.OVERRUN: _("%(count)s jobs exceed their expected duration"),
    Kind.BLOCKED: _("%(count)s jobs skip due times because an earlier run is in progress"),
    Kind.SLOW: _("%(count)s jobs took longer than usual"),
    Kind.QUICK: _("%(count)s jobs took less time than usual"),
    Kind.MEMORY: _("%(count)s jobs used more memory than usual"),
}
# What is told of each; what was missed is gathered before.
WORDS: dict[AlertCondition.Kind, Callable[[Job, AlertCondition], Message]] = {
    Kind.LATE: lambda job, row: alert_texts.late(job, row.since),
    Kind.OVERRUN: lambda job, row: alert_texts.overrun(job, row.since),
    Kind.SLOW: lambda job, row: alert_texts.slow(job, row.details or {}),
    Kind.QUICK: lambda job, row: alert_texts.quick(job, row.details or {}),
    Kind.MEMORY: lambda job, row: alert_texts.memory(job, row.details or {}),
    Kind.BLOCKED: lambda job, row: alert_texts.blocked(job, row.since),
}


def look(now: dt.datetime, *, settled: bool = True) -> None:
    """1. tells what was missed or lost  2. judges which jobs are late, overrun or blocked, and which are no longer
    3. judges the system  4. closes incidents that are over, reminds of those that go on, escalates
    5. sends the digest of the day  6. reminds of jobs that end soon  7. delivers what the system workers do not."""
    steps(
        partial(tell_pending, now),
        partial(forget_silenced, now),
        partial(_judge_jobs, now),
        *([partial(self_monitoring.judge, now)] if settled else []),
        partial(incident_triggers.look_after, now),
        partial(digest.send, now),
        partial(end_dates.remind, now),
        partial(_deliver_forgotten, now),
    )


def _judge_jobs(now: dt.datetime) -> None:
    """All or nothing: of a job that could not be judged no recovery may be told."""
    bad = judge_late(now) | judge_overrun(now) | judge_blocked(now)
    tell_conditions(now)
    tell_recoveries(bad, now)


def _deliver_forgotten(now: dt.datetime) -> None:
    if Alert.objects.due(now - FORGOTTEN).exists():
        later(deliver_due)


# Conditions of jobs ----------------------------------------------------------------------------------------------------


def judge_late(now: dt.datetime) -> set[tuple[int, str]]:
    """Jobs with a due time that has not started though it should have, in the ledger or not: records and returns them."""
    waiting = Execution.objects.free().filter(
        GOING,
        state=State.QUEUED,
        trigger=Trigger.SCHEDULED,
        attempt=0,
        due_at__lt=now,
        job__start_by__isnull=False,
    )
    found = [
        *_first_of_each(waiting.order_by("due_at"), "due_at", "start_by", now),
        *_unrecorded(now),
    ]
    return _recorded(found, Kind.LATE)


def _unrecorded(now: dt.datetime) -> Iterator[tuple[int, object, dt.datetime]]:
    """Due times that no beat has written into the ledger, of jobs that should have started by now."""
    due = Job.objects.enabled().filter(start_by__isnull=False, next_run_at__lt=now)
    for job in due.only("uid", "next_run_at", "start_by").order_by("next_run_at")[:AT_ONCE]:
        if job.next_run_at and job.next_run_at < now - dt.timedelta(seconds=job.start_by or 0):
            yield job.pk, job.uid, job.next_run_at


def judge_overrun(now: dt.datetime) -> set[tuple[int, str]]:
    """Jobs with a run that goes on for longer than expected: records and returns them.

    The time in which a run was suspended does not count, and of one that is suspended nothing is expected.
    """
    going = Execution.objects.running().filter(GOING, suspended_at=None)
    running = going.filter(started_at__lt=now, job__finish_by__isnull=False)
    found = _first_of_each(running.order_by("started_at"), "started_at", "finish_by", now)
    return _recorded(found, Kind.OVERRUN)


def judge_blocked(now: dt.datetime) -> set[tuple[int, str]]:
    """Jobs of which one run that does not end lets due time after due time be skipped: records and returns them."""
    open_runs = Execution.objects.open().filter(GOING, due_at__lt=now - BLOCKED_FOR)
    blocking = list(open_runs.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not blocking:
        return set()
    skipped = Execution.objects.filter(blocked_by__in=blocking, state=State.SKIPPED, job__isnull=False)
    found = skipped.order_by().values_list("job_id", "job_uid").annotate(Min("due_at"), times=Sum("slots"))
    many = [(job, uid, first) for job, uid, first, times in found if times >= BLOCKED_TIMES]
    return _recorded(many, Kind.BLOCKED)


def _first_of_each(
    rows: QuerySet[Execution], since: str, limit: str, now: dt.datetime
) -> list[tuple[int, object, dt.datetime]]:
    """Job, its uid and the moment `since` of the rows whose `limit` of seconds has passed."""
    values = rows.values_list("job_id", "job_uid", since, f"job__{limit}", "suspended_seconds")[:AT_ONCE]
    return [
        (job, uid, moment)
        for job, uid, moment, seconds, stood_still in values
        if moment < now - dt.timedelta(seconds=seconds + stood_still)
    ]


def _recorded(found: Iterable[tuple[int, object, dt.datetime]], kind: Kind) -> set[tuple[int, str]]:
    first: dict[int, tuple[str, dt.datetime]] = {}
    for job, uid, since in found:
        first.setdefault(job, (str(uid), since))
    if first:
        known = AlertCondition.objects.filter(kind=kind).values_list("job_id", flat=True)
        new = first.keys() - set(known)
        pending.record_conditions((job, *first[job], kind) for job in sorted(new))
    return {(job, kind) for job in first}


def tell_conditions(now: dt.datetime) -> None:
    """Tells of jobs that are late, take too long, are blocked, or had an unusual run, once each."""
    unannounced = AlertCondition.objects.filter(told_at=None, kind__in=tuple(WORDS))
    if unannounced.exists():
        _tell_conditions(unannounced, now)


@transaction.atomic
def _tell_conditions(unannounced: QuerySet[AlertCondition], now: dt.datetime) -> None:
    rows = _with_jobs(locked(unannounced))
    for kind, word in WORDS.items():
        mine = [row for row in rows if row.kind == kind]
        event = _event(kind)
        items = [
            replace(_item(row, event, word), incident=incident_triggers.opened_by(row, now)) for row in mine
        ]
        in_one = grouping.announce_opened(items, Text(HEADLINES[kind], count=str(len(items))), "/jobs", now)
        AlertCondition.objects.filter(pk__in=[row.pk for row in mine]).update(told_at=now, quiet=in_one)


def _event(kind: AlertCondition.Kind) -> Alert.Event:
    if kind in unusual.ALL:
        return Event.UNUSUAL
    return Event.OVERRUN if kind == Kind.BLOCKED else Event(kind.value)


def tell_recoveries(bad: set[tuple[int, str]], now: dt.datetime) -> None:
    """Ends the conditions of jobs whose newest run was as it should be, and tells so where people were told before."""
    conditions = _with_newest_run(AlertCondition.objects.filter(kind__in=OF_JOBS, told_at__isnull=False))
    well = [
        row
        for row in conditions
        if (row.job_id, row.kind) not in bad and _is_well(row) and _is_calm(row, now)
    ]
    if well:
        _tell_recoveries(AlertCondition.objects.filter(pk__in=[row.pk for row in well]), now)


@transaction.atomic
def _tell_recoveries(well: QuerySet[AlertCondition], now: dt.datetime) -> None:
    rows = _with_jobs(locked(well))
    AlertCondition.objects.filter(pk__in=[row.pk for row in rows]).delete()
    items = [item for row in rows if (item := _ended(row, now))]
    grouping.tell(items, Text(_("%(count)s jobs have recovered"), count=str(len(items))), "/jobs", now)


def _ended(condition: AlertCondition, now: dt.datetime) -> Item | None:
    """Closes the incident of a condition; returns what is to be told: nothing where somebody has closed it before."""
    incident = incident_triggers.incident_of(condition)
    if incident is not None:
        closed = incident.is_open and lifecycle.recover(incident, now, tell=False)
        if not closed or not incident.announced_at or notify.is_muted(incident.job_uid, now):
            return None
    if condition.quiet:
        return None
    return replace(_item(condition, Event.RECOVERED, partial(_recovered, now=now)), incident=incident)


def forget_silenced(now: dt.datetime) -> None:
    """Of a paused job nothing is told, and nothing by a deadline or a baseline that the job no longer has."""
    no_rule = (
        Q(kind=Kind.LATE, job__start_by=None)
        | Q(kind=Kind.OVERRUN, job__finish_by=None)
        | Q(kind__in=(Kind.SLOW, Kind.QUICK), job__baseline_duration=False)
        | Q(kind=Kind.MEMORY, job__baseline_memory=False)
    )
    silenced = AlertCondition.objects.filter(no_rule | ~GOING, kind__in=OF_JOBS)
    if rows := list(silenced):
        with transaction.atomic():
            AlertCondition.objects.filter(pk__in=[row.pk for row in rows]).delete()
            incident_triggers.close_silenced(((row.subject, row.kind) for row in rows), now)


def _with_jobs(keys: list[int]) -> list[AlertCondition]:
    conditions = AlertCondition.objects.filter(pk__in=keys, job__isnull=False)
    return list(conditions.select_related("job__team", "job__owner").order_by("pk"))


def _with_newest_run(conditions: QuerySet[AlertCondition]) -> QuerySet[AlertCondition]:
    """With the moments of the newest run that has started by itself, and of the newest that has ended."""
    runs = Execution.objects.filter(job=OuterRef("job")).order_by("-due_at", "-id")
    started = runs.filter(trigger__in=AUTOMATIC, started_at__isnull=False)
    ended = runs.filter(duration__isnull=False).annotate(net=F("duration") - F("suspended_seconds"))
    return conditions.select_related("job").annotate(
        due=Subquery(started.values("due_at")[:1]),
        started=Subquery(started.values("started_at")[:1]),
        ended_start=Subquery(ended.values("started_at")[:1]),
        ended_duration=Subquery(ended.values("net")[:1]),
    )


def _is_calm(condition: AlertCondition, now: dt.datetime) -> bool:
    incident = incident_triggers.incident_of(condition)
    return incident is None or not incident.is_open or lifecycle.close_if_calm(incident, now)


def _is_well(condition: AlertCondition) -> bool:
    """Whether a later run was as it should be; the values are those of `_with_newest_run`."""
    job, values = condition.job, vars(condition)
    if job is None:
        return False
    if condition.kind in unusual.ALL:
        return condition.over_at is not None
    if condition.kind == Kind.OVERRUN:
        later_run = values["ended_start"] is not None and values["ended_start"] > condition.since
        return later_run and values["ended_duration"] <= (job.finish_by or 0)
    if values["due"] is None or values["due"] <= condition.since:
        return False
    if condition.kind in (Kind.MISSED, Kind.BLOCKED):
        return True
    return bool(values["started"] - values["due"] <= dt.timedelta(seconds=job.start_by or 0))


def _recovered(job: Job, condition: AlertCondition, *, now: dt.datetime) -> Message:
    return alert_texts.recovered(job, DETAILS[Kind(condition.kind)], condition.since, now)


def _item(
    condition: AlertCondition, event: Alert.Event, word: Callable[[Job, AlertCondition], Message]
) -> Item:
    assert condition.job is not None  # noqa: S101 - `_with_jobs` leaves out the others
    key = f"{event}:{condition.kind}:{condition.subject}:{condition.since.isoformat()}"
    message = word(condition.job, condition)
    line = Text(_("%(job)s: since %(time)s"), job=condition.job.name, time=when(condition.since))
    return Item(condition.job, event, key, message, line, execution_uid=condition.execution_uid)
