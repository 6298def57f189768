"""When the rules of a time zone change, the next due times of its jobs are calculated again, once each.

Rows in the ledger were due by the rules of their time and stay. A job with fixed times continues with the first wall-clock time
that had not been reached by the earlier rules, so none is run twice and none is left out. If this skips an instant at which the
new rules have a due time, or if that instant has passed, the ledger has a row for it (`Reason.RULES`). A job with `*` in minute
or hour follows the clock, as in every clock change: it continues with the first due time after the last one in the ledger.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import CharField, F, Max, Q, QuerySet
from django.db.models.functions import Cast

from executions.ledger import definitions
from executions.ledger.catch_up import Planned, summarised
from executions.ledger.error_isolation import each
from executions.ledger.launch import scheduled_row
from executions.models import Execution, Reason, State
from jobs import zones
from jobs.models import Job, stored_schedule
from jobs.schedule import Cron, slots_between
from jobs.schedule.wall_clock import when_fixed, zone
from scheduler_site.lib import clock

log = logging.getLogger("executions.ledger.due.zone_change")

SLICE = 200
INSTANT = dt.timedelta(microseconds=1)
SECOND = dt.timedelta(seconds=1)
# No time zone ever changed its offset by more.
LARGEST = dt.timedelta(days=1)


def learn() -> list[tuple[str, int]]:
    """Keeps the rules that this process came with, where they are the newest. The zones in use, and the rules by which
    their jobs were worked out."""
    used = _in_use()
    if news := zones.learn({zone for zone, _mark in used}, clock.now()):
        log.info("zone_rules", extra={"rules": ", ".join(news)})
    return used


def look() -> int:
    """The same; then works out again, in slices, what was worked out by other rules than those that count; how many jobs
    that were. A job that is due before its turn is worked out by the tick."""
    done = 0
    for name, mark in learn():
        if mark != zones.mark(stored_schedule.Timing("cron", timezone=name)):
            done += _sweep(name, mark)
    return done


def _in_use() -> list[tuple[str, int]]:
    """The zones of jobs that have a next run, and by which rules it was worked out."""
    jobs = _with_zone(Job.objects.filter(next_run_at__isnull=False, periodic_task__crontab__isnull=False))
    return list(jobs.order_by().values_list("zone", "zone_rules").distinct())


def _with_zone(jobs: QuerySet[Job]) -> QuerySet[Any]:
    # As text: a zone that this system does not know must hurt its own jobs only.
    return jobs.annotate(zone=Cast(F("periodic_task__crontab__timezone"), CharField()))


def _sweep(name: str, mark: int) -> int:
    waiting = _with_zone(Job.objects.filter(next_run_at__isnull=False, zone_rules=mark)).filter(zone=name)
    last = done = 0
    while keys := list(waiting.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:SLICE]):
        last = keys[-1]
        done += len(keys)
        _again(keys)
    log.info("zone_rules_applied", extra={"zone": name, "jobs": done})
    return done


def _again(keys: list[int]) -> None:
    """A slice together; where a row of it is damaged, each by itself."""
    try:
        _work_out(keys)
    except Exception:
        each(keys, lambda key: _work_out([key]), "zone_change")


@transaction.atomic
def _work_out(keys: list[int]) -> None:
    jobs = Job.objects.filter(pk__in=keys).order_by("pk")
    if connection.features.has_select_for_update:
        jobs = jobs.select_for_update()
    now = clock.now()
    found = list(stored_schedule.attach(list(jobs)))
    before = {job.pk: job.next_run_at for job in found}
    rows = [row for job in found for row in rework(job, now)]
    definitions.keep(rows)
    Execution.objects.bulk_create(rows, ignore_conflicts=True)
    moved = [job for job in found if job.next_run_at != before[job.pk]]
    Job.objects.bulk_update(moved, ["next_run_at", "pending_segments", "zone_rules"])
    _mark([job for job in found if job.next_run_at == before[job.pk]])


def _mark(jobs: list[Job]) -> None:
    for mark in {job.zone_rules for job in jobs}:
        Job.objects.filter(pk__in=[job.pk for job in jobs if job.zone_rules == mark]).update(zone_rules=mark)


def rework(job: Job, now: dt.datetime) -> list[Execution]:
    """Sets the next run of a job (which is locked) by the rules that count now; the rows to write. Twice is as once.

    Raises ScheduleError for a job that cannot be scheduled.
    """
    timing, known = job.timing, job.zone_rules
    job.zone_rules = zones.mark(timing)
    due = job.next_run_at
    if known == job.zone_rules or due is None or job.pending_segments:
        return []
    schedule, old = timing.schedule(job.end_date), zones.by_key(known)
    if not isinstance(schedule, Cron):
        return []
    if old is None:
        # By which rules it was worked out is not known: what is due stays, what is to come is looked up.
        job.next_run_at = due if due <= now or _is_slot(schedule, due) else schedule.next_after(now)
        return []
    if schedule.next_after(now) == due and _offset(due, old) == _offset(due, zone(schedule.timezone)):
        return []
    first = _first_left(job, schedule, old, due)
    begun = _begun(job)
    job.next_run_at = schedule.next_after(max(first - INSTANT, begun, job.updated_at)) if first else None
    gap = _between(schedule, max(min(first or due, now), begun), job.next_run_at)
    _leave_to_the_tick(job, now)
    return [scheduled_row(job, planned, now) for planned in gap]


def _first_left(job: Job, schedule: Cron, old: ZoneInfo, due: dt.datetime) -> dt.datetime | None:
    """The first due time by the new rules of which the earlier ones had none yet."""
    if schedule.fields.wildcard:
        last = Execution.objects.filter(job=job, scheduled_for__lt=due).aggregate(
            a=Max("scheduled_for"), b=Max("last_slot", filter=Q(last_slot__lt=due))
        )
        known = [moment for moment in last.values() if moment] or [due - LARGEST]
        return schedule.next_after(max(*known, due - LARGEST))
    wall = (due + _offset(due, old)).replace(tzinfo=zone(schedule.timezone))
    return schedule.next_after(when_fixed(wall) - INSTANT)


def _offset(due: dt.datetime, tz: ZoneInfo) -> dt.timedelta:
    """Right after a gap stands for all wall-clock times in it: the offset is that of the second before."""
    offset = (due - SECOND).astimezone(tz).utcoffset()
    assert offset is not None  # noqa: S101 - ZoneInfo always knows
    return offset


def _begun(job: Job) -> dt.datetime:
    """Nothing was due before this: creating and resuming a job never start anything (nor does editing it)."""
    resumed = job.pauses.aggregate(at=Max("ended_at"))["at"]
    return max(job.created_at, resumed or job.created_at)


def _between(schedule: Cron, first: dt.datetime, until: dt.datetime | None) -> list[Planned]:
    """Due times by the new rules that do not run, since their wall-clock time has been before."""
    if until is None or first >= until:
        return []
    slots = slots_between(schedule, first, until - INSTANT).times
    return list(summarised(Planned(slot, State.SKIPPED, Reason.RULES) for slot in slots))


def _leave_to_the_tick(job: Job, now: dt.datetime) -> None:
    """What has passed already by the new rules is made up for as the job says, or missed for that reason."""
    if job.next_run_at is None or job.next_run_at > now:
        return
    segment = {
        "timing": job.timing.to_json(),
        "last_day": job.end_date.isoformat() if job.end_date else None,
        "first": job.next_run_at.isoformat(),
        "until": now.isoformat(),
        "why": Reason.RULES.value,
    }
    job.pending_segments, job.next_run_at = [segment], now


def _is_slot(schedule: Cron, moment: dt.datetime) -> bool:
    return schedule.next_after(moment - INSTANT) == moment
