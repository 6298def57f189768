"""The tick: due jobs become ledger rows. Jobs that are not due cost it nothing.

1. In one transaction per batch: due jobs are locked (other beats skip locked rows), their due times are decided, the rows are
   written, and each job gets the time of its next run.
2. After the commit the runs are announced to the workers.

Several beats may do this at the same time: the locks separate them, and the unique key refuses duplicates.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.db import DatabaseError, connection, transaction

from executions.alerting import pending
from executions.ledger import definitions
from executions.ledger.catch_up import Planned, plan
from executions.ledger.due.zone_change import rework
from executions.ledger.launch import scheduled_row
from executions.ledger.limits import holds
from executions.ledger.limits.holds import TICK, Span, Window
from executions.ledger.limits.overlap import apply_overlap
from executions.models import OPEN, Execution, Reason, State
from jobs import code_permission, inactive_periods, verbs, zones
from jobs.models import Job, stored_schedule
from jobs.models.stored_schedule import Timing
from jobs.schedule import Schedule
from scheduler_site.lib.database.errors import passes
from scheduler_site.lib.database.prepared import Prepared

log = logging.getLogger("executions.ledger.due.tick")

# The first batch is small, so that workers have something to do while the next ones are written.
SMALLEST, LARGEST = 100, 500


@dataclass
class Ticked:
    """What one batch did: rows written, of which `announce` are to be sent to the workers now."""

    jobs: int = 0
    announce: list[Execution] = field(default_factory=list)


def tick(now: dt.datetime, announce: Callable[[list[Execution]], Any]) -> int:
    """Writes the ledger up to `now`, batch by batch; returns how many jobs were due."""
    total, size = 0, SMALLEST
    while (done := _batch_or_each(now, size)).jobs:
        total += done.jobs
        if done.announce:
            announce(done.announce)
        if done.jobs < size:
            break
        size = min(2 * size, LARGEST)
    return total


def next_due() -> dt.datetime | None:
    """When the next job is due (which may have passed already)."""
    moment: dt.datetime | None = _next_due.first()
    return moment


_next_due = Prepared(
    lambda: (
        Job.objects.filter(next_run_at__isnull=False).order_by("next_run_at").values_list("next_run_at")[:1]
    )
)


def _batch_or_each(now: dt.datetime, size: int) -> Ticked:
    """A batch; where the database refuses a row of it, its jobs one by one."""
    try:
        return _batch(now, size)
    except DatabaseError as error:
        if passes(error):
            raise
        done = Ticked()
        for key in list(Job.objects.due(now).order_by("next_run_at").values_list("pk", flat=True)[:size]):
            one = _alone(now, key)
            done.jobs += one.jobs
            done.announce += one.announce
        return done


def _alone(now: dt.datetime, key: int) -> Ticked:
    try:
        return _batch(now, 1, key)
    except DatabaseError as error:
        if passes(error):
            raise
        job = Job.objects.get(pk=key)
        log.warning("job_quarantined", extra={"job": job.name, "error": str(error)})
        verbs.quarantine(job, str(error))
        return Ticked(1)


@transaction.atomic
def _batch(now: dt.datetime, size: int, key: int | None = None) -> Ticked:
    """`key`: of one job alone."""
    due = _locked(now, size, key)
    jobs = _without_suspended(due)
    if not jobs:
        return Ticked(len(due))
    # Read when the jobs are locked: rules that come later find what is written here.
    zones.refresh()
    timings = stored_schedule.read(jobs)
    gaps: list[Execution] = []
    held = holds.windows(jobs, now)
    plans: dict[int, list[Execution]] = {}
    for job in jobs:
        job.__dict__["timing"] = timings[job.pk]
        try:
            gaps += rework(job, now)
            plans[job.pk] = [
                scheduled_row(job, planned, now) for planned in _settle(job, now, held.get(job.pk, ()))
            ]
        except Exception as error:
            # Whatever is wrong with this job must not keep the others from running.
            if isinstance(error, DatabaseError):
                raise
            log.warning("job_quarantined", extra={"job": job.name, "error": str(error)})
            timing = job.timing
            about = (
                f" ({timing.expression or timing.period} {timing.timezone})" if timing.kind != "none" else ""
            )
            verbs.quarantine(job, f"{error}{about}")
    sound = [job for job in jobs if job.pk in plans]
    rows = gaps + _rows(sound, plans, now)
    definitions.keep(rows)
    Execution.objects.bulk_create(rows, ignore_conflicts=True, batch_size=LARGEST)
    _advance(sound)
    pending.record_missed(rows, now)
    if settled := [job.pk for job in sound if job.pending_segments]:
        Job.objects.filter(pk__in=settled).update(pending_segments=[])
    return Ticked(len(due), [row for row in rows if row.state == State.QUEUED and not row.held])


def _locked(now: dt.datetime, most: int, key: int | None) -> list[Job]:
    due = Job.objects.due(now).order_by("next_run_at")
    if key is not None:
        due = due.filter(pk=key)
    if connection.features.has_select_for_update:
        due = due.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    return list(due[:most])


def _without_suspended(jobs: list[Job]) -> list[Job]:
    """Those that may run; code whose owner may not run it is taken off its schedule."""
    suspended = code_permission.suspended_among(jobs)
    for job in jobs:
        if job.code_suspended or job.pk in suspended:
            code_permission.suspend(job, suspended.get(job.pk, job.code_suspended))
            Job.objects.filter(pk=job.pk).update(next_run_at=None)
    return [job for job in jobs if not (job.code_suspended or job.pk in suspended)]


def _settle(job: Job, now: dt.datetime, held: Sequence[Window]) -> list[Planned]:
    """The fates of the job's due times up to `now`; sets `next_run_at` to the first one after it.

    Those in a hold have none yet: they become part of a period.
    """
    policy: dict[str, Any] = {
        "catch_up": job.catch_up,
        "deadline": dt.timedelta(seconds=job.start_deadline),
    }
    planned: list[Planned] = []
    for segment in job.pending_segments:
        # An earlier schedule of this job: its due times until it was changed.
        last_day = dt.date.fromisoformat(segment["last_day"]) if segment["last_day"] else None
        schedule = Timing.from_json(segment["timing"]).schedule(last_day)
        first, until = (dt.datetime.fromisoformat(segment[key]) for key in ("first", "until"))
        if schedule:
            end = min(until, now)
            free, parts = holds.divide(first, end, held)
            for begin, last in free:
                found = plan(schedule, begin, last, now=end, **policy)
                planned += [_because(segment.get("why"), one) for one in found]
            _hold_back(job, segment, parts)
    schedule = job.timing.schedule(job.end_date) if job.timing.enabled else None
    if schedule is None or job.next_run_at is None:
        job.next_run_at = None
        return planned
    first_due = schedule.next_after(job.next_run_at) if job.pending_segments else job.next_run_at
    if not job.pending_segments and first_due is not None and first_due > now:
        # Moved on by other rules of its zone: what lies before is accounted for.
        return planned
    if first_due is not None and first_due <= now:
        free, parts = holds.divide(first_due, now, held)
        planned += [
            fate
            for begin, last in free
            for fate in _plan(job.zone_rules, schedule, begin, last, now=now, **policy)
        ]
        _hold_current(job, schedule, parts)
    job.next_run_at = _next_after(job.zone_rules, schedule, now)
    return _last_alone(job, planned) if held else planned


def _hold_back(job: Job, segment: dict[str, Any], parts: Iterable[tuple[Span, Window]]) -> None:
    """The due times of an earlier schedule that a hold has kept from running."""
    for (begin, last), window in parts:
        part = segment | {"first": begin.isoformat(), "until": last.isoformat()}
        inactive_periods.held(job, part, window.by, window.text, window.until)


def _hold_current(job: Job, schedule: Schedule, parts: Iterable[tuple[Span, Window]]) -> None:
    """Those of the present schedule: in a hold that goes on, a period begins with the first of them."""
    for (begin, last), window in parts:
        due = schedule.next_after(begin - TICK)
        if due is None or due > last:
            continue
        if window.until is None:
            inactive_periods.hold(job, due, window.by, window.text)
            continue
        if inactive_periods.release(job, last):
            # It began with an earlier due time.
            continue
        last_day = job.end_date.isoformat() if job.end_date else None
        part = {"timing": job.timing.to_json(), "last_day": last_day}
        _hold_back(job, part, [((begin, last), window)])


def _last_alone(job: Job, planned: list[Planned]) -> list[Planned]:
    """A hold in the middle of an outage divides it; of what had passed, still only the latest is run."""
    late = [fate for fate in planned if fate.state == State.QUEUED]
    if job.catch_up != Job.CatchUp.LAST:
        return planned
    return [
        replace(fate, state=State.SKIPPED, reason=Reason.COALESCED) if fate in late[:-1] else fate
        for fate in planned
    ]


def _because(why: str | None, planned: Planned) -> Planned:
    """Of what was missed in a segment that has a reason of its own."""
    return replace(planned, reason=Reason(why)) if why and planned.state == State.MISSED else planned


# Thousands of jobs share few schedules: what is due at one instant is worked out once for all that have the same, by the
# same rules of their zone.
@lru_cache(maxsize=1000)
def _plan(_rules: int, *args: Any, **policy: Any) -> list[Planned]:
    return plan(*args, **policy)


@lru_cache(maxsize=1000)
def _next_after(_rules: int, schedule: Schedule, moment: dt.datetime) -> dt.datetime | None:
    return schedule.next_after(moment)


def _advance(jobs: list[Job]) -> None:
    """Many jobs share their next time, and one statement for each time costs far less than one CASE over all jobs."""
    by_time: dict[tuple[dt.datetime | None, int], list[int]] = {}
    for job in jobs:
        by_time.setdefault((job.next_run_at, job.zone_rules), []).append(job.pk)
    for (moment, rules), keys in by_time.items():
        Job.objects.filter(pk__in=keys).update(next_run_at=moment, zone_rules=rules)


def _rows(jobs: list[Job], plans: dict[int, list[Execution]], now: dt.datetime) -> list[Execution]:
    open_runs: dict[int, list[Execution]] = {}
    with_runs = [job.pk for job in jobs if job.overlap != Job.Overlap.ALLOW]
    for run in Execution.objects.filter(job_id__in=with_runs, state__in=OPEN).only("pk", "job_id", "state"):
        open_runs.setdefault(run.job_id or 0, []).append(run)
    rows: list[Execution] = []
    for job in jobs:
        made = plans[job.pk]
        apply_overlap(job, [row for row in made if row.state == State.QUEUED], open_runs.get(job.pk, []), now)
        rows += made
    return rows
