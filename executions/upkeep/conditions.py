"""Watches the jobs, in the reconciler's turn: what was missed or lost, who is late or takes too long, who is well again.

Whoever notices that something is not as it should be makes a `Watch`; whoever changes its row tells people. So each
change of state is told once, and each recovery once, however many processes look.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext_noop as _

from executions.alerting import alerts, unusual, wording
from executions.alerting.alerts import Event, Item
from executions.ledger.isolation import steps
from executions.models import AUTOMATIC, Execution, State, Trigger, Untold, Watch
from executions.upkeep import end_dates, selfwatch
from jobs.models import Job
from notifications.delivery.background import later
from notifications.delivery.deliver import deliver_due
from notifications.messages import Message
from notifications.models import Alert
from notifications.texts import Text, Words

Clock = Watch.Clock
JOB_CLOCKS = (Clock.LATE, Clock.MISSED, Clock.OVERRUN, Clock.BLOCKED, *unusual.ALL)
# A run that goes on for so long, and lets so many due times in a row be skipped, is told of.
BLOCKED_FOR, BLOCKED_TIMES = dt.timedelta(minutes=10), 5
AT_ONCE = 5000
# What was missed is told when nothing new has come for a moment, or after a while: an outage ends in many steps.
QUIET = dt.timedelta(seconds=10)
LONGEST_QUIET = dt.timedelta(seconds=60)
# An alert that is due for so long is not being looked after by a system worker.
FORGOTTEN = dt.timedelta(seconds=15)
# Of jobs whose schedule is off nothing is expected.
GOING = Q(job__periodic_task=None) | Q(job__periodic_task__enabled=True)
DETAILS = {
    Clock.LATE: Text(_("late")),
    Clock.MISSED: Text(_("missed")),
    Clock.OVERRUN: Text(_("taking too long")),
    Clock.SLOW: Text(_("taking longer than usual")),
    Clock.QUICK: Text(_("taking less time than usual")),
    Clock.MEMORY: Text(_("using more memory than usual")),
    Clock.BLOCKED: Text(_("due times were skipped")),
}
HEADLINES = {
    Clock.LATE: _("%(count)s jobs are late"),
    Clock.OVERRUN: _("%(count)s jobs are taking too long"),
    Clock.BLOCKED: _("Due times of %(count)s jobs are skipped, because a run has not ended"),
    Clock.SLOW: _("%(count)s jobs took longer than usual"),
    Clock.QUICK: _("%(count)s jobs took less time than usual"),
    Clock.MEMORY: _("%(count)s jobs used more memory than usual"),
}
# What is told of each; what was missed is gathered before.
WORDS: dict[Watch.Clock, Callable[[Job, Watch], Message]] = {
    Clock.LATE: lambda job, row: wording.late(job, row.since),
    Clock.OVERRUN: lambda job, row: wording.overrun(job, row.since),
    Clock.SLOW: lambda job, row: wording.slow(job, row.details or {}),
    Clock.QUICK: lambda job, row: wording.quick(job, row.details or {}),
    Clock.MEMORY: lambda job, row: wording.memory(job, row.details or {}),
    Clock.BLOCKED: lambda job, row: wording.blocked(job, row.since),
}


def look(now: dt.datetime, *, settled: bool = True) -> None:
    """1. tells what was missed or lost  2. judges the clocks, tells who is late and who is well again
    3. judges the system  4. reminds of jobs that end soon  5. delivers what the system workers do not."""
    steps(
        partial(tell_untold, now),
        forget_silenced,
        partial(_judge_jobs, now),
        *([partial(selfwatch.judge, now)] if settled else []),
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


# What was missed or lost ---------------------------------------------------------------------------------------------


def tell_untold(now: dt.datetime) -> None:
    """Gathers what was noted; of jobs that are known to miss their times nothing is told again."""
    times = Untold.objects.aggregate(oldest=Min("at"), newest=Max("at"))
    if times["newest"] is None:
        return
    if times["newest"] <= now - QUIET or times["oldest"] <= now - LONGEST_QUIET:
        _gather(now)


@transaction.atomic
def _gather(now: dt.datetime) -> None:
    keys = _locked(Untold.objects.all())
    found = list(Untold.objects.filter(pk__in=keys).select_related("job__team", "job__owner").order_by("pk"))
    _tell_missed([row for row in found if row.execution_uid is None], now)
    _tell_lost([row for row in found if row.execution_uid is not None], now)
    Untold.objects.filter(pk__in=keys).delete()


def _tell_missed(rows: list[Untold], now: dt.datetime) -> None:
    known = Watch.objects.filter(clock=Clock.MISSED, job__in=[row.job_id for row in rows])
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
            wording.missed(row.job, row.slots, row.made_up, row.first, row.last),
            _missed_line(row),
        )
        for row in news
    ]
    in_one = alerts.tell(items, headline, "/executions?state=missed", now)
    # The end of what was told in one message, or was made up for at once, is not told job by job.
    watches = [
        Watch(
            subject=str(row.job.uid),
            clock=Clock.MISSED,
            job=row.job,
            since=row.last,
            told_at=now,
            quiet=in_one or row.made_up == row.slots,
        )
        for row in news
    ]
    Watch.objects.bulk_create(watches, ignore_conflicts=True, batch_size=alerts.BATCH)


def _missed_line(row: Untold) -> Words:
    values = {"job": row.job.name, "count": str(row.slots)}
    if row.made_up:
        return Text(_("%(job)s: %(count)s, %(some)s of them made up for"), some=str(row.made_up), **values)
    return "{job}: {count}".format(**values)


def _span(template: str, count: int, first: dt.datetime, last: dt.datetime) -> Text:
    return Text(template, count=str(count), first=wording.when(first), last=wording.when(last))


def _merged(rows: list[Untold]) -> list[Untold]:
    """One row for each job."""
    by_job: dict[int, Untold] = {}
    for row in rows:
        if (known := by_job.setdefault(row.job_id, row)) is not row:
            known.slots += row.slots
            known.made_up += row.made_up
            known.first, known.last = min(known.first, row.first), max(known.last, row.last)
    return list(by_job.values())


def _tell_lost(rows: list[Untold], now: dt.datetime) -> None:
    if not rows:
        return
    by_hand = set(
        Execution.objects.filter(
            uid__in=[row.execution_uid for row in rows], trigger=Trigger.MANUAL
        ).values_list("uid", flat=True)
    )
    items = [
        Item(
            row.job,
            Event.JOB_FAILED,
            row.key,
            wording.failed(
                row.job.name, str(row.job.uid), str(row.execution_uid), row.error, alerts.mention_of(row.job)
            ),
            f"{row.job.name}: {row.error}",
            execution_uid=row.execution_uid,
            inbox_only=row.execution_uid in by_hand,
        )
        for row in rows
    ]
    first, last = min(row.first for row in rows), max(row.last for row in rows)
    headline = _span(_("%(count)s runs due between %(first)s and %(last)s were lost"), len(rows), first, last)
    alerts.tell(items, headline, "/executions?state=lost", now)


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
        alerts.watch((job, *first[job], clock) for job in sorted(new))
    return {(job, clock) for job in first}


def tell_clocks(now: dt.datetime) -> None:
    """Tells of jobs that are late, take too long, are blocked, or had an unusual run, once each."""
    untold = Watch.objects.filter(told_at=None, clock__in=tuple(WORDS))
    if untold.exists():
        _tell_clocks(untold, now)


@transaction.atomic
def _tell_clocks(untold: QuerySet[Watch], now: dt.datetime) -> None:
    rows = _with_jobs(_locked(untold))
    for clock, word in WORDS.items():
        mine = [row for row in rows if row.clock == clock]
        event = _event(clock)
        items = [_item(row, event, word) for row in mine]
        in_one = alerts.tell(items, Text(HEADLINES[clock], count=str(len(items))), "/jobs", now)
        Watch.objects.filter(pk__in=[row.pk for row in mine]).update(told_at=now, quiet=in_one)


def _event(clock: Watch.Clock) -> Alert.Event:
    if clock in unusual.ALL:
        return Event.UNUSUAL
    return Event.OVERRUN if clock == Clock.BLOCKED else Event(clock.value)


def tell_recoveries(bad: set[tuple[int, str]], now: dt.datetime) -> None:
    """Ends the watches of jobs whose newest run was as it should be, and tells so where people were told before."""
    watches = _with_newest_run(Watch.objects.filter(clock__in=JOB_CLOCKS, told_at__isnull=False))
    well = [row for row in watches if (row.job_id, row.clock) not in bad and _is_well(row)]
    if well:
        _tell_recoveries(Watch.objects.filter(pk__in=[row.pk for row in well]), now)


@transaction.atomic
def _tell_recoveries(well: QuerySet[Watch], now: dt.datetime) -> None:
    rows = _with_jobs(_locked(well))
    Watch.objects.filter(pk__in=[row.pk for row in rows]).delete()
    items = [_item(row, Event.RECOVERED, _recovered) for row in rows if not row.quiet]
    alerts.tell(items, Text(_("%(count)s jobs have recovered"), count=str(len(items))), "/jobs", now)


def forget_silenced() -> None:
    """Pauses silence: a paused job is not watched, nor is one whose clock was taken away."""
    no_clock = (
        Q(clock=Clock.LATE, job__start_by=None)
        | Q(clock=Clock.OVERRUN, job__finish_by=None)
        | Q(clock__in=(Clock.SLOW, Clock.QUICK), job__baseline_duration=False)
        | Q(clock=Clock.MEMORY, job__baseline_memory=False)
    )
    silenced = Watch.objects.filter(no_clock | ~GOING, clock__in=JOB_CLOCKS)
    if keys := list(silenced.values_list("pk", flat=True)):
        Watch.objects.filter(pk__in=keys).delete()


def _locked(rows: QuerySet[Any]) -> list[int]:
    """The keys of rows that are ours until the transaction ends; without joins, which not every database can lock."""
    return list(rows.select_for_update().order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


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


def _recovered(job: Job, watch: Watch) -> Message:
    return wording.recovered(job, DETAILS[Clock(watch.clock)], watch.since)


def _item(watch: Watch, event: Alert.Event, word: Callable[[Job, Watch], Message]) -> Item:
    assert watch.job is not None  # noqa: S101 - `_with_jobs` leaves out the others
    key = f"{event}:{watch.clock}:{watch.subject}:{watch.since.isoformat()}"
    message = word(watch.job, watch)
    line = Text(_("%(job)s: since %(time)s"), job=watch.job.name, time=wording.when(watch.since))
    return Item(watch.job, event, key, message, line, execution_uid=watch.execution_uid)
