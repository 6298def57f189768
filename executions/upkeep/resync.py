"""Compares every job with its stored schedule and corrects what was changed without Belfry: by SQL, or by a restored backup.

Only times in the future are corrected, to the first due time after now, so nothing is started. The tick handles what is due.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django_celery_beat.models import PeriodicTask

from audit.models import Entry
from audit.record import Actor, difference, record
from executions.models import Heartbeat
from executions.monitoring import heartbeat
from executions.upkeep import reconcile
from jobs import inactive_periods, verbs, zones
from jobs.models import Job, stored_schedule
from jobs.next_run import upcoming
from scheduler_site.lib.clock import now as database_time

log = logging.getLogger("executions.upkeep.resync")

BATCH = 500


@dataclass
class Resynced:
    """What was found and done, begun `at`; all counts are of jobs, but `orphans` of schedules that belonged to none."""

    at: dt.datetime
    total: int = 0
    active: int = 0
    scheduled: int = 0
    added: int = 0
    removed: int = 0
    moved: int = 0
    expired: int = 0
    orphans: int = 0
    invalid: int = 0


def resync(clock: Callable[[], dt.datetime] = database_time, *, by: Actor) -> Resynced:
    """Each job in a transaction of its own, so that neither the tick nor editors wait; a second call finds nothing.

    The clock is read for each job: the tick goes on meanwhile, and what it has advanced must not be put back.
    """
    done = Resynced(at=clock(), expired=_pause_ended())
    zones.refresh()
    for job in _all():
        if _looks_wrong(job, clock()):
            _mend(job, clock, done)
    done.orphans = PeriodicTask.objects.filter(task=stored_schedule.TASK, job=None).delete()[0]
    done.total, done.active = Job.objects.count(), Job.objects.enabled().count()
    done.scheduled = Job.objects.filter(next_run_at__isnull=False).count()
    done.invalid = Job.objects.exclude(quarantine_reason="").count()
    _tell(done, by)
    log.info("resynced", extra={name: value for name, value in vars(done).items() if value})
    return done


@transaction.atomic
def _tell(done: Resynced, by: Actor) -> None:
    heartbeat.resynced(done.at)
    counts = ("added", "removed", "moved", "expired", "orphans")
    mended = {name: {"old": None, "new": count} for name in counts if (count := getattr(done, name))}
    record(Entry.Event.RESYNCED, Heartbeat.objects.get(name=heartbeat.RESYNCED), by=by, changes=mended)


def _pause_ended() -> int:
    total = 0
    while paused := reconcile.pause_ended():
        total += paused
    return total


def _all() -> Iterator[Job]:
    """Every job with its timing, in portions."""
    last = 0
    while jobs := list(Job.objects.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield from stored_schedule.attach(jobs)
        last = jobs[-1].pk


def _looks_wrong(job: Job, now: dt.datetime) -> bool:
    if job.next_run_at is not None and job.next_run_at <= now:
        return False
    if job.zone_rules and job.zone_rules != zones.mark(job.timing):
        # Worked out by other rules of its zone: that is mended elsewhere (executions/ledger/due/zone_change.py).
        return False
    try:
        return upcoming(job, now) != job.next_run_at or bool(job.quarantine_reason)
    except Exception:  # whatever a damaged row raises
        return not job.quarantine_reason


@transaction.atomic
def _mend(job: Job, clock: Callable[[], dt.datetime], done: Resynced) -> None:
    found = Job.objects.select_for_update().filter(pk=job.pk).first()
    now = clock()
    if found is None or not _looks_wrong(found, now):
        return
    before = found.next_run_at
    try:
        found.next_run_at = upcoming(found, now)
    except Exception as error:
        verbs.quarantine(found, str(error))
        done.removed += before is not None
        return
    if found.quarantine_reason:
        changes = difference({"broken": found.quarantine_reason}, {"broken": ""})
        record(Entry.Event.MODIFIED, found, by=Actor.system(), changes=changes)
        inactive_periods.turn(found, now)
        found.quarantine_reason = ""
        inactive_periods.follow(found, now, None)
    found.save(update_fields=["next_run_at", "zone_rules", "quarantine_reason"])
    done.added += before is None and found.next_run_at is not None
    done.removed += before is not None and found.next_run_at is None
    done.moved += before is not None and found.next_run_at is not None
