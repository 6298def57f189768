"""What people do to jobs. Each verb is written here once; pages, APIs and commands call it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import Actor, difference, masked, record
from jobs import inactive_periods, quotas
from jobs.changes import dependencies, incidents, notices, removal, secret_targets
from jobs.changes.dependencies import Edge
from jobs.changes.loading import LockedFacts, locked
from jobs.changes.snapshots import snapshot
from jobs.models import Job, Pause, Script, stored_schedule
from jobs.models.column_types import references
from jobs.models.fields import NAMES
from jobs.models.stored_schedule import Timing
from jobs.next_run import keep_pending, upcoming
from scheduler_site.lib import clock
from scheduler_site.lib.credentials import masked as hidden
from scheduler_site.lib.database.errors import passes


class Refused(Exception):
    """A verb that cannot be carried out; the text says why."""


class Ended(Refused):
    """The last day of a job that is to run is over."""

    def __init__(self) -> None:
        super().__init__(_("The job's end date has passed."))


class Unscheduled(Refused):
    """What has no schedule cannot be paused."""

    def __init__(self) -> None:
        super().__init__(_("This job has no schedule that could be paused."))


class TooLate(Refused):
    """The time at which a pause is to end has passed."""

    def __init__(self) -> None:
        super().__init__(_("The time of the resumption has passed already."))


@dataclass
class JobChanges:
    """Checked values for a job: model fields, a schedule, secrets, jobs to run after (of the last three none: unchanged)."""

    values: dict[str, Any] = field(default_factory=dict)
    timing: Timing | None = None
    secrets: dict[str, str] | None = None
    # The names of those of them that were given now; the others were stored before.
    fresh: frozenset[str] = frozenset()
    depends_on: list[Edge] | None = None
    # Nothing goes elsewhere: only the place has changed where credentials are kept (jobs/exposed_credentials.py).
    rearranged: bool = False

    def differing(self, job: Job) -> JobChanges:
        """Only the fields that change, so that concurrent changes of other fields are kept."""
        values = {name: value for name, value in self.values.items() if value != getattr(job, name)}
        same = self.timing is None or self.timing.same_schedule(job.timing)
        return replace(self, values=values, timing=None if same else self.timing)


@transaction.atomic
def create(changes: JobChanges, *, by: Actor, tell: bool = True) -> Job:
    """Creates a job. Without `tell`, no inbox item is created: for bulk imports.

    Raises Refused when a job that it is to follow is gone, or what jobs/quotas.py allows is used up.
    """
    refuse_excess(changes, None, by)
    if changes.depends_on:
        dependencies.lock_graph()
    job = Job(created_by=by.user, updated_by=by.user, owner=by.user, **changes.values)
    job.by_installation = by.user is None
    job.secrets, job.secrets_by = changes.secrets or {}, by.user
    timing = changes.timing or stored_schedule.NEVER
    stored_schedule.write(job, timing)
    now = clock.now()
    job.next_run_at = upcoming(job, now)
    job.save()
    job.__dict__["edges"] = []
    if not timing.enabled:
        inactive_periods.follow(job, now, by.user)
    _keep_text(job)
    _follow(job, changes.depends_on, by)
    diff = hidden(difference({}, describe(job))) | masked({}, job.secrets)
    record(Entry.Event.ADDED, job, by=by, changes=diff, snapshot=snapshot(job))
    if tell:
        notices.created(job, by)
    return job


@transaction.atomic
def update(
    job: Job,
    changes: JobChanges,
    *,
    by: Actor,
    description: str = "",
    active: bool | None = None,
    check: Callable[[Job], None] | None = None,
) -> Job:
    """Changes a job and, where `active` is given, pauses or resumes it; all of it or nothing.

    The time of its next run moves only when its schedule or its end date does. What changes nothing writes nothing;
    `description` goes into the trail. `check` gets the locked job before anything is changed. Raises Refused when it would
    come to follow itself, or a job that is gone; Ended for one that would stay active past its last day; Unscheduled.
    """
    job = _changed(job, changes, by, description, check)
    if active is not None and active != job.is_active:
        (resume if active else pause)(job, by=by)
        dropped, job = job.dropped_secrets, locked(job)
        job.dropped_secrets = dropped
    if active is not False and job.has_ended and job.is_active:
        raise Ended
    return job


def _changed(
    job: Job, changes: JobChanges, by: Actor, description: str, check: Callable[[Job], None] | None
) -> Job:
    now = clock.now()
    if changes.depends_on is not None:
        dependencies.lock_graph()
    job = locked(job)
    if check:
        check(job)
    facts = LockedFacts.of(job)
    refuse_excess(changes, job, by)
    before, last_day, old_task = describe(job), job.end_date, job.periodic_task_id
    old, old_secrets, invalid = job.timing, job.secrets, job.quarantine_reason
    belonged = secret_targets.SecretOwnership.of(job)
    timing = changes.timing or old
    moved = not timing.same_schedule(old) or changes.values.get("end_date", last_day) != last_day
    if changed := bool(moved or job.quarantine_reason):
        keep_pending(job, now)
        if facts.is_inactive:
            inactive_periods.turn(job, now)
    for name, value in changes.values.items():
        setattr(job, name, value)
    if changes.secrets is not None and changes.secrets != old_secrets:
        job.secrets = changes.secrets
    if not changes.rearranged:
        job.dropped_secrets = belonged.drop_from(job, changes.fresh, by)
        job.secrets_by_id = belonged.setter_after(job, changes.fresh, by)
    if job.dropped_secrets:
        description = "; ".join(filter(None, (description, secret_targets.described(job.dropped_secrets))))
    if changed:
        stored_schedule.write(job, timing)
        job.quarantine_reason = ""
        job.next_run_at = now if job.pending_segments else upcoming(job, now)
    _follow(job, changes.depends_on, by)
    diff = hidden(difference(before, describe(job))) | masked(old_secrets, job.secrets)
    diff |= difference({"broken": invalid}, {"broken": job.quarantine_reason})
    if not diff:
        if "client_form" in changes.values:  # another way to write the same
            job.save(update_fields=["client_form"])
        return job
    job.updated_by = by.user
    job.save()
    _keep_text(job)
    if old_task != job.periodic_task_id:
        stored_schedule.discard(old_task)
        job.pauses.filter(ended_at=None).update(ended_at=now)
    if changed and (facts.is_inactive or inactive_periods.reason(job)):
        inactive_periods.follow(job, now, by.user)
    record(
        Entry.Event.MODIFIED,
        job,
        by=by,
        changes=diff,
        description=description,
        snapshot=snapshot(job),
        last_version=facts.last_version,
    )
    if "category" in diff:
        notices.moved(job)
    if facts.has_incidents and diff.keys() & incidents.FOLLOWED:
        incidents.follow(job)
    notices.updated(job, by)
    return job


def refuse_excess(changes: JobChanges, job: Job | None, by: Actor) -> None:
    """Raises Refused for what is more than one job, account or category may have."""
    given = changes.values if changes.secrets is None else changes.values | {"secrets": changes.secrets}
    for name, text in quotas.problems(given, job):
        raise Refused(f"{name}: {text}")
    if text := quotas.no_room(by.user, changes.values.get("category"), job):
        raise Refused(text)


@transaction.atomic
def delete(job: Job, *, by: Actor) -> None:
    """Removes a job. Its runs stay in the ledger; those that wait are skipped, those that run are stopped.

    That takes no longer when there are very many: the job is gone for everybody, and its row follows (jobs/changes/removal.py).
    """
    # Jobs that follow it get another definition.
    dependencies.lock_graph()
    job = locked(job)
    diff = hidden(difference(describe(job), {})) | masked(job.secrets, {})
    record(Entry.Event.DELETED, job, by=by, changes=diff, snapshot=snapshot(job))
    notices.deleted(job, by)
    incidents.job_deleted(job)
    dependencies.record_removal(job, by=by)
    task = job.periodic_task_id
    removal.remove(job, clock.now())
    stored_schedule.discard(task)


@transaction.atomic
def pause(job: Job, *, by: Actor, reason: str = "", until: dt.datetime | None = None) -> bool:
    """Pauses the schedule until it is resumed or until `until`. False if it was already paused.

    What runs goes on. Queued scheduled runs become skipped (executions/ledger/claims.py, upkeep/reconcile.py).

    Raises Unscheduled, and TooLate for an `until` that has passed.
    """
    now = clock.now()
    if until is not None and until <= now:
        raise TooLate
    job = locked(job)
    if job.periodic_task_id is None:
        raise Unscheduled
    keep_pending(job, now)
    if not stored_schedule.set_enabled(job, False):
        return False
    Pause.objects.create(job=job, since=now, until=until, by=by.user, reason=reason)
    inactive_periods.pause(job, now, by.user, reason)
    job.next_run_at = now if job.pending_segments else None
    job.save(update_fields=["next_run_at", "pending_segments"])
    diff = {"until": {"old": None, "new": until}} if until else {}
    record(Entry.Event.PAUSED, job, by=by, changes=diff, description=reason)
    notices.disabled(job, by)
    return True


@transaction.atomic
def resume(job: Job, *, by: Actor) -> bool:
    """Starts the schedule again, with the first due time after now. False when it was running already.

    A job that could not be scheduled is tried again, paused or not. Raises Ended.
    """
    now = clock.now()
    job = locked(job)
    if job.has_ended:
        raise Ended
    if job.periodic_task_id is None:
        return False
    switched = stored_schedule.set_enabled(job, True)
    if not switched and not job.quarantine_reason:
        return False
    try:
        job.next_run_at = now if job.pending_segments else upcoming(job, now)
    except Exception as error:
        if passes(error):
            raise
        if not switched:
            return False
        # Such as a time zone that this system does not know: resumed, but with nothing to be due.
        _end_pause(job, now)
        record(Entry.Event.RESUMED, job, by=by)
        quarantine(job, str(error))
        return True
    _end_pause(job, now)
    diff = difference({"broken": job.quarantine_reason}, {"broken": ""})
    job.quarantine_reason = ""
    job.save(update_fields=["next_run_at", "zone_rules", "quarantine_reason"])
    record(Entry.Event.RESUMED, job, by=by, changes=diff)
    notices.enabled(job, by)
    return True


def _end_pause(job: Job, now: dt.datetime) -> None:
    job.pauses.filter(ended_at=None).update(ended_at=now)
    inactive_periods.end(job, now)


@transaction.atomic
def quarantine(job: Job, reason: str) -> None:
    """Takes a job that cannot be scheduled out of the tick, with the reason where people see it."""
    Job.objects.filter(pk=job.pk).update(quarantine_reason=reason[:2000], next_run_at=None)
    inactive_periods.quarantine(job, clock.now(), reason[:2000])
    record(Entry.Event.QUARANTINED, job, by=Actor.system(), description=reason[:2000])
    notices.quarantined(job, reason)


def describe(job: Job) -> dict[str, Any]:
    """A job in plain values, as the audit trail compares them; secrets are left out."""
    plain = {name: getattr(job, name) for name in NAMES if name not in references()}
    named = {name: str(getattr(job, name) or "") for name in (*references(), "owner")}
    schedule = job.timing.to_json() | {"enabled": job.timing.enabled}
    return plain | named | {"schedule": schedule, "depends_on": dependencies.describe(job)}


def _keep_text(job: Job) -> None:
    if job.kind == Job.Kind.SCRIPT:
        Script.keep(job.options)


def _follow(job: Job, edges: list[Edge] | None, by: Actor) -> None:
    if edges is None or not (edges or job.edges):
        return
    try:
        dependencies.replace(job, edges, by.user)
    except (dependencies.Circle, dependencies.Gone) as problem:
        raise Refused(str(problem)) from problem
