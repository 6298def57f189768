"""Holds: for a time no run starts, in the whole installation or in a category.

During a hold due times write no rows: each job gets a period (jobs/inactive_periods.py), which becomes one row with their
number. Queued runs, retries and triggered runs stay queued, and their start deadlines do not advance. Active runs continue.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor, record
from executions.ledger.error_isolation import each
from executions.ledger.publish import publish
from executions.models import Execution, ExecutionQuerySet, Hold, State
from executions.models.holds_drains_limits import EVERYTHING
from jobs import inactive_periods
from jobs.models import InactivePeriod, Job
from jobs.schedule import zone
from jobs.verbs import Refused
from scheduler_site.lib import clock
from scheduler_site.lib.database.prepared import Prepared

AT_ONCE = 1000
TICK = dt.timedelta(microseconds=1)


class Held(Refused):
    """A start that a hold does not allow."""


@transaction.atomic
def begin(
    *, reason: str, by: Actor, until: dt.datetime | None = None, category: Category | None = None
) -> Hold:
    """Holds all starts from now on, or those of a category. Raises Refused: no reason, `until` has passed, held already."""
    now = clock.now()
    _check(reason, until, now)
    scope = category.pk if category else EVERYTHING
    hold = Hold(category=category, active=scope, since=now, until=until, reason=reason.strip()[:500])
    hold.by, hold.by_name = by.user, (by.operator or by.name)[:150]
    try:
        with transaction.atomic():
            hold.save()
    except IntegrityError as error:
        raise Refused(_("They are held already.")) from error
    changes = {"until": {"old": None, "new": until}} if until else {}
    record(Entry.Event.PAUSED, hold, by=by, changes=changes, description=hold.reason)
    return hold


@transaction.atomic
def change(hold: Hold, *, reason: str, until: dt.datetime | None, by: Actor) -> Hold:
    """Another reason, or another end. Raises Refused as `begin`, and when it has ended meanwhile."""
    _check(reason, until, clock.now())
    hold = Hold.objects.select_for_update().get(pk=hold.pk)
    if hold.active is None:
        raise Refused(_("The hold has ended already."))
    old = {"reason": hold.reason, "until": hold.until}
    hold.reason, hold.until = reason.strip()[:500], until
    new = {"reason": hold.reason, "until": hold.until}
    if changes := {name: {"old": old[name], "new": new[name]} for name in old if old[name] != new[name]}:
        hold.save(update_fields=["reason", "until"])
        record(Entry.Event.MODIFIED, hold, by=by, changes=changes)
    return hold


@transaction.atomic
def end(hold: Hold, *, by: Actor) -> bool:
    """Lets what waits start. False when it had ended already."""
    now = clock.now()
    if not Hold.objects.filter(pk=hold.pk, active__isnull=False).update(active=None, ended_at=now):
        return False
    _prolong(hold, now)
    _of(hold).update(published_at=None)
    record(Entry.Event.RESUMED, hold, by=by)
    transaction.on_commit(partial(_announce, hold))
    return True


def end_due(now: dt.datetime) -> None:
    """Ends the holds whose end has come, and the periods of jobs that nobody holds any more."""

    def end_one(key: int) -> None:
        end(Hold.objects.get(pk=key), by=Actor.system())

    holds = _active()
    over = [key for key, until, _scope in holds if until is not None and until <= now]
    each(over[:AT_ONCE], end_one, "releasing")
    _end_stretches({scope for key, _until, scope in holds if key not in over})


_active = Prepared(lambda: Hold.objects.active().order_by("until", "pk").values_list("pk", "until", "active"))


def _end_stretches(scopes: Collection[int | None]) -> None:
    """scopes: of the holds that go on."""
    if EVERYTHING in scopes:
        return
    left = InactivePeriod.objects.filter(why=InactivePeriod.Why.HELD, until=None).exclude(
        job__category__in=scopes
    )
    each(left.order_by("pk").values_list("job_id", flat=True)[:AT_ONCE], _end_stretch, "releasing")


@transaction.atomic
def _end_stretch(job_key: int) -> None:
    """The job is locked first, as the tick and the verbs do; what somebody else has locked comes next time."""
    jobs = Job.objects.filter(pk=job_key)
    if connection.features.has_select_for_update:
        jobs = jobs.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    job = jobs.first()
    if job is None or Hold.objects.covering(job.category_id).exists():
        return
    inactive_periods.release(job, _last_held(job) - TICK)


def _last_held(job: Job) -> dt.datetime:
    """The moment from which on the job was free: a tick that did not see yet that the hold had ended has left due times after
    its end to the period. The first one that is in the ledger, or is to come, is not among them."""
    holds = Hold.objects.filter(Q(category=None) | Q(category_id=job.category_id), ended_at__isnull=False)
    ended = holds.order_by("-ended_at").values_list("ended_at", flat=True).first() or clock.now()
    rows = job.executions.filter(scheduled_for__gte=ended).order_by("scheduled_for")
    written = rows.values_list("scheduled_for", flat=True).first()
    free = [moment for moment in (written, job.next_run_at) if moment is not None]
    return max(ended, min(free, default=ended))


def refuse_held(job: Job, *, despite: bool, by: Actor) -> bool:
    """Whether a run of the job that somebody asks for starts in spite of a hold. Raises Held when it must not start now."""
    hold = of(job)
    if hold is None:
        return False
    if despite and may_override(by.user):
        return True
    raise Held(described(hold))


def of(job: Job) -> Hold | None:
    """What holds the job now; what holds everything goes first."""
    return Hold.objects.covering(job.category_id).select_related("category").order_by("active").first()


def may_override(user: User | None) -> bool:
    """Whether this account may start runs during a hold; nobody is the system, which may not."""
    return user is not None and user.has_perm("executions.hold_starts")


def described(hold: Hold) -> str:
    """What is held, why, and until when, as people are told; the time is in the scheduler's zone."""
    values = {"reason": hold.reason, "category": hold.category, "until": ""}
    if hold.until:
        values["until"] = f"{hold.until.astimezone(zone(settings.SCHEDULER_TIMEZONE)):%Y-%m-%d %H:%M}"
    if hold.category_id:
        text = (
            _("The starts of all jobs of the category %(category)s are held until %(until)s: %(reason)s")
            if hold.until
            else _("The starts of all jobs of the category %(category)s are held: %(reason)s")
        )
    else:
        text = (
            _("The starts of all jobs are held until %(until)s: %(reason)s")
            if hold.until
            else _("The starts of all jobs are held: %(reason)s")
        )
    return text % values


# Due times in a hold -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """A time in which due times write no rows: from `since` on, before `until`, which is not known while it lasts."""

    since: dt.datetime
    until: dt.datetime | None
    by: User | None
    text: str


def windows(jobs: Sequence[Job], now: dt.datetime) -> dict[int, list[Window]]:
    """Of the jobs that were due in a hold, by their keys; one query."""
    earliest = min(filter(None, map(_earliest, jobs)), default=now)
    holds = list(Hold.objects.since(earliest).filter(since__lte=now).select_related("by"))
    return {
        job.pk: theirs
        for job in jobs
        if (theirs := [_window(hold) for hold in holds if hold.category_id in (None, job.category_id)])
    }


def _window(hold: Hold) -> Window:
    return Window(hold.since, None if hold.active is not None else hold.ended_at, hold.by, hold.reason)


def _earliest(job: Job) -> dt.datetime | None:
    """None where its row was damaged by hand: the tick finds out when it reads the same, and puts this job aside alone."""
    try:
        firsts = [dt.datetime.fromisoformat(segment["first"]) for segment in job.pending_segments]
        return min([*firsts, *([job.next_run_at] if job.next_run_at else [])])
    except (KeyError, TypeError, ValueError):
        return None


Span = tuple[dt.datetime, dt.datetime]


def divide(
    first: dt.datetime, last: dt.datetime, held: Iterable[Window]
) -> tuple[list[Span], list[tuple[Span, Window]]]:
    """The parts of the time from `first` to `last`, both included, that are free, and those that are held, in order."""
    free: list[Span] = []
    parts: list[tuple[Span, Window]] = []
    for window in sorted(held, key=lambda one: one.since):
        begin, end = max(first, window.since), min(last, window.until - TICK if window.until else last)
        if begin > end:
            continue
        if first < begin:
            free.append((first, begin - TICK))
        parts.append(((begin, end), window))
        first = end + TICK
    if first <= last:
        free.append((first, last))
    return free, parts


# What waits --------------------------------------------------------------------------------------------------------


def _of(hold: Hold) -> ExecutionQuerySet:
    """The runs that waited for its end."""
    queued = Execution.objects.filter(state=State.QUEUED, exempt=False)
    return queued.filter(category=hold.category_id) if hold.category_id else queued


def _prolong(hold: Hold, now: dt.datetime) -> None:
    """Nobody could start them meanwhile: their start deadlines are later by so much. A time in which another hold goes on as
    well counts at the end of that one."""
    others = dict(Hold.objects.active().values_list("active", "since"))
    keys = _of(hold).filter(start_before__isnull=False).locked()
    for start in range(0, len(keys), AT_ONCE):
        part = Execution.objects.filter(pk__in=keys[start : start + AT_ONCE], start_before__isnull=False)
        rows = list(part.only("created_at", "start_before", "category_id"))
        for row in rows:
            until = min(now, others.get(EVERYTHING, now), others.get(row.category_id, now))
            waited = max(until - max(hold.since, row.created_at), dt.timedelta(0))
            row.start_before = row.start_before + waited if row.start_before else None
        Execution.objects.bulk_update(rows, ["start_before"], batch_size=500)


def _announce(hold: Hold) -> None:
    """The first of them at once; the reconciler announces the others."""
    waiting = _of(hold).startable(clock.now()).exclude(job=None).only("uid", "kind")
    if runs := list(waiting.order_by("due_at")[:AT_ONCE]):
        publish(runs)


def _check(reason: str, until: dt.datetime | None, now: dt.datetime) -> None:
    if not reason.strip():
        raise Refused(_("Say why: people will ask."))
    if until is not None and until <= now:
        raise Refused(_("The end has passed already."))
