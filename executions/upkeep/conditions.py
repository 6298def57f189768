"""Detects alert conditions of jobs, as part of the reconciler: missed, lost, late, too long, and their recoveries.

The process that detects a condition creates a `Watch`; the process whose conditional UPDATE changes that row sends the
alert. So each change of state and each recovery is sent once, however many processes check.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from django.db import transaction
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext_noop as _

from executions.alerting import alert_texts, grouping, pending, problems, unusual
from executions.alerting.grouping import Event, Item
from executions.ledger.isolation import steps
from executions.models import AUTOMATIC, Execution, State, Trigger, Watch
from executions.upkeep import digest, end_dates, selfwatch
from executions.upkeep.untold import AT_ONCE, locked, tell_untold
from incidents import lifecycle, telling
from jobs.models import Job
from notifications.delivery.background import later
from notifications.delivery.deliver import deliver_due
from notifications.messages import Message
from notifications.models import Alert
from notifications.texts import Text

Clock = Watch.Clock
JOB_CLOCKS = (Clock.LATE, Clock.MISSED, Clock.OVERRUN, Clock.BLOCKED, *unusual.ALL)
# A run that goes on for so long, and lets so many due times in a row be skipped, is told of.
BLOCKED_FOR, BLOCKED_TIMES = dt.timedelta(minutes=10), 5
# An alert that is due for so long is not being looked after by a system worker.
FORGOTTEN = dt.timedelta(seconds=15)
# Of jobs whose schedule is off nothing is expected.
GOING = Q(job__periodic_task=None) | Q(job__periodic_task__enabled=True)
DETAILS = {
    Clock.LATE: Text(_("late")),
    Clock.MISSED: Text(_("missed")),
    Clock.OVERRUN: Text(_("over expected duration")),
    Clock.SLOW: Text(_("taking longer than usual")),
    Clock.QUICK: Text(_("taking less time than usual")),
    Clock.MEMORY: Text(_("using more memory than usual")),
    Clock.BLOCKED: Text(_("due times were skipped")),
}
HEADLINES = {
    Clock.LATE: _("%(count)s jobs are late"),
    Clock.OVERRUN: _("%(count)s jobs exceed their expected duration"),
    Clock.BLOCKED: _("%(count)s jobs skip due times because an earlier run is in progress"),
    Clock.SLOW: _("%(count)s jobs took longer than usual"),
    Clock.QUICK: _("%(count)s jobs took less time than usual"),
    Clock.MEMORY: _("%(count)s jobs used more memory than usual"),
}
# What is told of each; what was missed is gathered before.
WORDS: dict[Watch.Clock, Callable[[Job, Watch], Message]] = {
    Clock.LATE: lambda job, row: alert_texts.late(job, row.since),
    Clock.OVERRUN: lambda job, row: alert_texts.overrun(job, row.since),
    Clock.SLOW: lambda job, row: alert_texts.slow(job, row.details or {}),
    Clock.QUICK: lambda job, row: alert_texts.quick(job, row.details or {}),
    Clock.MEMORY: lambda job, row: alert_texts.memory(job, row.details or {}),
    Clock.BLOCKED: lambda job, row: alert_texts.blocked(job, row.since),
}


def look(now: dt.datetime, *, settled: bool = True) -> None:
    """1. tells what was missed or lost  2. judges the clocks, tells who is late and who is well again
    3. judges the system  4. closes incidents that are over, reminds of those that go on, escalates
    5. sends the digest of the day  6. reminds of jobs that end soon  7. delivers what the system workers do not."""
    steps(
        partial(tell_untold, now),
        partial(forget_silenced, now),
        partial(_judge_jobs, now),
        *([partial(selfwatch.judge, now)] if settled else []),
        partial(problems.look_after, now),
        partial(digest.send, now),
        partial(end_dates.remind, now),
        partial(_deliver_forgotten, now),
    )


def _judge_jobs(now: dt.datetime) -> None:
    """All or nothing: of a job that could not be judged no recovery may be told."""
    bad = judge_late(now) | judge_overrun(now) | judge_blocked(now)
    tell_clocks(now)
    tell_recoveries(bad, now)


def _deliver_forgotten(now: dt.datetime) -> None:
    if Alert.objects.due(now - FORGOTTEN).exists():
        later(deliver_due)


# The clocks of jobs ---------------------------------------------------------------------------------------------------


def judge_late(now: dt.datetime) -> set[tuple[int, str]]:
    """Watches jobs with a due time that has not started though it should have, recorded or not; returns all of them."""
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
    return _watched(found, Clock.LATE)


def _unrecorded(now: dt.datetime) -> Iterator[tuple[int, object, dt.datetime]]:
    """Due times that no beat has written into the ledger, of jobs that should have started by now."""
    due = Job.objects.enabled().filter(start_by__isnull=False, next_run_at__lt=now)
    for job in due.only("uid", "next_run_at", "start_by").order_by("next_run_at")[:AT_ONCE]:
        if job.next_run_at and job.next_run_at < now - dt.timedelta(seconds=job.start_by or 0):
            yield job.pk, job.uid, job.next_run_at


def judge_overrun(now: dt.datetime) -> set[tuple[int, str]]:
    """Watches jobs with a run that goes on for longer than expected; returns all of them.

    The time in which a run was suspended does not count, and of one that is suspended nothing is expected.
    """
    going = Execution.objects.running().filter(GOING, suspended_at=None)
    running = going.filter(started_at__lt=now, job__finish_by__isnull=False)
    found = _first_of_each(running.order_by("started_at"), "started_at", "finish_by", now)
    return _watched(found, Clock.OVERRUN)


def judge_blocked(now: dt.datetime) -> set[tuple[int, str]]:
    """Watches jobs of which one run that does not end lets due time after due time be skipped; returns all of them."""
    open_runs = Execution.objects.open().filter(GOING, due_at__lt=now - BLOCKED_FOR)
    blocking = list(open_runs.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not blocking:
        return set()
    skipped = Execution.objects.filter(blocked_by__in=blocking, state=State.SKIPPED, job__isnull=False)
    found = skipped.order_by().values_list("job_id", "job_uid").annotate(Min("due_at"), times=Sum("slots"))
    many = [(job, uid, first) for job, uid, first, times in found if times >= BLOCKED_TIMES]
    return _watched(many, Clock.BLOCKED)


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


def _watched(found: Iterable[tuple[int, object, dt.datetime]], clock: Clock) -> set[tuple[int, str]]:
    first: dict[int, tuple[str, dt.datetime]] = {}
    for job, uid, since in found:
        first.setdefault(job, (str(uid), since))
    if first:
        watched = Watch.objects.filter(clock=clock).values_list("job_id", flat=True)
        new = first.keys() - set(watched)
        pending.watch((job, *first[job], clock) for job in sorted(new))
    return {(job, clock) for job in first}


def tell_clocks(now: dt.datetime) -> None:
    """Tells of jobs that are late, take too long, are blocked, or had an unusual run, once each."""
    untold = Watch.objects.filter(told_at=None, clock__in=tuple(WORDS))
    if untold.exists():
        _tell_clocks(untold, now)


@transaction.atomic
def _tell_clocks(untold: QuerySet[Watch], now: dt.datetime) -> None:
    rows = _with_jobs(locked(untold))
    for clock, word in WORDS.items():
        mine = [row for row in rows if row.clock == clock]
        event = _event(clock)
        items = [replace(_item(row, event, word), incident=problems.watched(row, now)) for row in mine]
        in_one = grouping.tell_opened(items, Text(HEADLINES[clock], count=str(len(items))), "/jobs", now)
        Watch.objects.filter(pk__in=[row.pk for row in mine]).update(told_at=now, quiet=in_one)


def _event(clock: Watch.Clock) -> Alert.Event:
    if clock in unusual.ALL:
        return Event.UNUSUAL
    return Event.OVERRUN if clock == Clock.BLOCKED else Event(clock.value)


def tell_recoveries(bad: set[tuple[int, str]], now: dt.datetime) -> None:
    """Ends the watches of jobs whose newest run was as it should be, and tells so where people were told before."""
    watches = _with_newest_run(Watch.objects.filter(clock__in=JOB_CLOCKS, told_at__isnull=False))
    well = [
        row for row in watches if (row.job_id, row.clock) not in bad and _is_well(row) and _is_calm(row, now)
    ]
    if well:
        _tell_recoveries(Watch.objects.filter(pk__in=[row.pk for row in well]), now)


@transaction.atomic
def _tell_recoveries(well: QuerySet[Watch], now: dt.datetime) -> None:
    rows = _with_jobs(locked(well))
    Watch.objects.filter(pk__in=[row.pk for row in rows]).delete()
    items = [item for row in rows if (item := _ended(row, now))]
    grouping.tell(items, Text(_("%(count)s jobs have recovered"), count=str(len(items))), "/jobs", now)


def _ended(watch: Watch, now: dt.datetime) -> Item | None:
    """Closes the incident of a clock, and what is to be told: nothing where it was closed by hand before."""
    incident = problems.of_watch(watch)
    if incident is not None:
        closed = incident.is_open and lifecycle.recover(incident, now, tell=False)
        if not closed or not incident.announced_at or telling.is_muted(incident.job_uid, now):
            return None
    if watch.quiet:
        return None
    return replace(_item(watch, Event.RECOVERED, partial(_recovered, now=now)), incident=incident)


def forget_silenced(now: dt.datetime) -> None:
    """Pauses silence: a paused job is not watched, nor is one whose clock was taken away."""
    no_clock = (
        Q(clock=Clock.LATE, job__start_by=None)
        | Q(clock=Clock.OVERRUN, job__finish_by=None)
        | Q(clock__in=(Clock.SLOW, Clock.QUICK), job__baseline_duration=False)
        | Q(clock=Clock.MEMORY, job__baseline_memory=False)
    )
    silenced = Watch.objects.filter(no_clock | ~GOING, clock__in=JOB_CLOCKS)
    if rows := list(silenced):
        with transaction.atomic():
            Watch.objects.filter(pk__in=[row.pk for row in rows]).delete()
            problems.silenced(((row.subject, row.clock) for row in rows), now)


def _with_jobs(keys: list[int]) -> list[Watch]:
    watches = Watch.objects.filter(pk__in=keys, job__isnull=False)
    return list(watches.select_related("job__team", "job__owner").order_by("pk"))


def _with_newest_run(watches: QuerySet[Watch]) -> QuerySet[Watch]:
    """With the moments of the newest run that has started by itself, and of the newest that has ended."""
    runs = Execution.objects.filter(job=OuterRef("job")).order_by("-due_at", "-id")
    started = runs.filter(trigger__in=AUTOMATIC, started_at__isnull=False)
    ended = runs.filter(duration__isnull=False).annotate(net=F("duration") - F("suspended_seconds"))
    return watches.select_related("job").annotate(
        due=Subquery(started.values("due_at")[:1]),
        started=Subquery(started.values("started_at")[:1]),
        ended_start=Subquery(ended.values("started_at")[:1]),
        ended_duration=Subquery(ended.values("net")[:1]),
    )


def _is_calm(watch: Watch, now: dt.datetime) -> bool:
    incident = problems.of_watch(watch)
    return incident is None or not incident.is_open or lifecycle.calm(incident, now)


def _is_well(watch: Watch) -> bool:
    """Whether a later run was as it should be; the values are those of `_with_newest_run`."""
    job, values = watch.job, vars(watch)
    if job is None:
        return False
    if watch.clock in unusual.ALL:
        return watch.over_at is not None
    if watch.clock == Clock.OVERRUN:
        later_run = values["ended_start"] is not None and values["ended_start"] > watch.since
        return later_run and values["ended_duration"] <= (job.finish_by or 0)
    if values["due"] is None or values["due"] <= watch.since:
        return False
    if watch.clock in (Clock.MISSED, Clock.BLOCKED):
        return True
    return bool(values["started"] - values["due"] <= dt.timedelta(seconds=job.start_by or 0))


def _recovered(job: Job, watch: Watch, *, now: dt.datetime) -> Message:
    return alert_texts.recovered(job, DETAILS[Clock(watch.clock)], watch.since, now)


def _item(watch: Watch, event: Alert.Event, word: Callable[[Job, Watch], Message]) -> Item:
    assert watch.job is not None  # noqa: S101 - `_with_jobs` leaves out the others
    key = f"{event}:{watch.clock}:{watch.subject}:{watch.since.isoformat()}"
    message = word(watch.job, watch)
    line = Text(_("%(job)s: since %(time)s"), job=watch.job.name, time=alert_texts.when(watch.since))
    return Item(watch.job, event, key, message, line, execution_uid=watch.execution_uid)
