"""The preview of a bulk action: what would become of each job. It fixes the jobs of the action."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User
from audit.record import Actor
from executions.bulk.commands import BulkCommand, Verb, impossible, unchanged
from executions.ledger.limits import holds
from executions.models import BulkAction
from jobs.models import Job, JobQuerySet, stored_schedule
from jobs.models.stored_schedule import Timing
from jobs.schedule import ScheduleError, slots_between
from scheduler_site.lib import clock

# Large, and not shown.
UNSEEN = ("options", "metadata", "secrets", "description", "notification_emails", "client_form")
# At most this many jobs in an action, and in each statement.
MOST, CHUNK = 10_000, 500
# At most this many previews of an account are kept.
KEPT = 20
# Counting due times takes at most so long; of a pause without an end those of a day are counted.
SECONDS, WITHOUT_END = 1.0, dt.timedelta(days=1)


class TooMany(Exception):
    """More jobs than one action may have."""


@dataclass(frozen=True)
class Line:
    """A job, and why it is left out."""

    uid: str
    name: str
    why: str = ""


@dataclass
class Preview:
    """`able` would be changed, `unchanged` are so already, `barred` may not or cannot be changed; `gone` are no longer there.

    `skipped` due times fall into the pause; `counted`: whether all could be counted in time.
    """

    able: list[Line] = field(default_factory=list)
    unchanged: list[Line] = field(default_factory=list)
    barred: list[Line] = field(default_factory=list)
    gone: int = 0
    skipped: int = 0
    counted: bool = True


@transaction.atomic
def make(command: BulkCommand, jobs: JobQuerySet, *, by: Actor, query: str = "") -> BulkAction:
    """Stores the action with its jobs; jobs that match later are not included. Raises TooMany."""
    user = by.user
    if user is None:
        raise TypeError("A bulk action is somebody's.")
    keys = list(jobs.order_by("name", "pk").values_list("pk", flat=True)[: MOST + 1])
    if len(keys) > MOST:
        raise TooMany
    mine = BulkAction.objects.filter(by=user, state=BulkAction.State.PLANNED).order_by("-id")
    BulkAction.objects.filter(pk__in=list(mine.values_list("pk", flat=True)[KEPT - 1 :])).delete()
    return BulkAction.objects.create(
        verb=command.verb,
        options=command.to_json(),
        query=query[:400],
        keys=keys,
        total=len(keys),
        by=user,
        surface=by.surface,
        address=by.address,
        operator=by.operator[:150],
        language=get_language() or "",
        created_at=clock.now(),
    )


def of(action: BulkAction, command: BulkCommand, user: User) -> Preview:
    """What would become of its jobs now."""
    plan, counter, held = Preview(), _Counter(command, clock.now()), _Held(command)
    allowed = user.has_perm(command.permission)
    for keys in _chunks(action.keys):
        jobs = _jobs(keys, user)
        changeable = set(
            Job.objects.changeable_by(user).filter(pk__in=keys).order_by().values_list("pk", flat=True)
        )
        plan.gone += len(keys) - len(jobs)
        for job in jobs:
            if allowed and job.pk in changeable:
                _judge(plan, job, command, impossible(job, command, user, held=held.of(job)), counter)
            else:
                plan.barred.append(Line(str(job.uid), job.name, not_allowed(job)))
    plan.counted = counter.complete
    return plan


def _jobs(keys: Sequence[int], user: User) -> list[Job]:
    found = Job.objects.visible_to(user).filter(pk__in=keys).select_related("owner", "team", "category")
    return stored_schedule.attach(found.defer(*UNSEEN).order_by("name", "pk"))


def _judge(plan: Preview, job: Job, command: BulkCommand, why: str, counter: _Counter) -> None:
    line = Line(str(job.uid), job.name, why)
    if unchanged(job, command):
        plan.unchanged.append(line)
    elif why:
        plan.barred.append(line)
    else:
        plan.able.append(line)
        plan.skipped += counter.of(job)


def not_allowed(job: Job) -> str:
    """Whom to ask instead."""
    who = job.owner.get_username() if job.owner else ""
    return (
        _("You may not change it; its owner is %(who)s.") % {"who": who}
        if who
        else _("You may not change it.")
    )


class _Held:
    """Whether starts are held, asked once for each category."""

    def __init__(self, command: BulkCommand) -> None:
        self._wanted = command.verb == Verb.RUN
        self._known: dict[int, bool] = {}

    def of(self, job: Job) -> bool:
        if self._wanted and job.category_id not in self._known:
            self._known[job.category_id] = holds.of(job) is not None
        return self._known.get(job.category_id, False)


class _Counter:
    """Counts the due times that fall into a pause; alike schedules are counted once."""

    def __init__(self, command: BulkCommand, now: dt.datetime) -> None:
        self._now, self._until = now, command.until or now + WITHOUT_END
        self._wanted = command.verb == Verb.PAUSE and self._until > now
        self._known: dict[tuple[Timing, dt.date | None], int] = {}
        self._deadline = time.monotonic() + SECONDS
        self.complete = True

    def of(self, job: Job) -> int:
        if not self._wanted or job.next_run_at is None:
            return 0
        key = (job.timing, job.end_date)
        if key not in self._known:
            if time.monotonic() > self._deadline:
                self.complete = False
                return 0
            self._known[key] = self._count(job)
        return self._known[key]

    def _count(self, job: Job) -> int:
        try:
            schedule = job.timing.schedule(job.end_date)
        except ScheduleError:
            return 0
        if schedule is None:
            return 0
        found = slots_between(schedule, self._now, self._until, 1)
        return len(found.times) + found.skipped


def _chunks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
