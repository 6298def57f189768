"""Reads and writes the schedule of a job in django-celery-beat's tables; nothing else does.

The rows are read as raw values, never as model instances: an invalid row (an unknown zone written by SQL) must be an error of
that job alone, but django-celery-beat's models raise an exception when they load such a row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import CharField, F, Model
from django.db.models.functions import Cast
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask

from jobs import schedule
from jobs.schedule import Cron, Interval, Once, Schedule, ScheduleError
from scheduler_site.lib import clock

if TYPE_CHECKING:
    from jobs.models import Job

Kind = Literal["cron", "interval", "once", "none"]
PERIODS: dict[str, int] = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
# What a job's periodic task is called for; nothing is registered under it, the tick starts jobs.
TASK = "belfry.job"
_PATHS = {
    "task_enabled": "enabled",
    "task_start": "start_time",
    "task_expires": "expires",
    "task_minute": "crontab__minute",
    "task_hour": "crontab__hour",
    "task_day": "crontab__day_of_month",
    "task_month": "crontab__month_of_year",
    "task_weekday": "crontab__day_of_week",
    "task_every": "interval__every",
    "task_period": "interval__period",
    "task_at": "clocked__clocked_time",
}
COLUMNS = (*_PATHS, "task_zone")


@dataclass(frozen=True, slots=True)
class Timing:
    """A job's schedule as stored. `bounds` are aware UTC; `every` is a number of `period`s.

    `timezone` is that of a cron expression, or the one in which the time of a one-time job was given.
    """

    kind: Kind = "none"
    expression: str = ""
    timezone: str = ""
    day_rule: str = "either"
    every: int = 0
    period: str = "minutes"
    at: dt.datetime | None = None
    start: dt.datetime | None = None
    expires: dt.datetime | None = None
    enabled: bool = True

    def schedule(self, last_day: dt.date | None = None) -> Schedule | None:
        """The arithmetic of it, bounded by the job's end date; raises ScheduleError for a broken row."""
        end = _earliest(self.expires, end_of(last_day))
        if self.kind == "cron":
            zone = schedule.zone(self.timezone).key
            rule: Literal["either", "both"] = "both" if self.day_rule == "both" else "either"
            return Cron(self.expression, zone, rule, start=self.start, end=end)
        if self.kind == "interval":
            if self.period not in PERIODS or self.start is None:
                raise ScheduleError("The interval has no usable period or anchor.", field="every")
            every = dt.timedelta(seconds=self.every * PERIODS[self.period])
            return Interval(every, anchor=self.start, end=end)
        if self.kind == "once" and self.at and (end is None or self.at <= end):
            return Once(self.at)
        return None

    def to_json(self) -> dict[str, Any]:
        moments = {name: _text(getattr(self, name)) for name in ("at", "start", "expires")}
        plain = {
            name: getattr(self, name)
            for name in ("kind", "expression", "timezone", "day_rule", "every", "period")
        }
        return plain | moments

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Timing:
        moments = {name: _moment(data.get(name)) for name in ("at", "start", "expires")}
        return cls(**{**data, **moments})

    def same_schedule(self, other: Timing) -> bool:
        return replace(self, enabled=True) == replace(other, enabled=True)


NEVER = Timing()


def end_of(day: dt.date | None) -> dt.datetime | None:
    """The last microsecond of a date in the scheduler's zone: end dates are inclusive."""
    if day is None:
        return None
    last = dt.datetime.combine(day, dt.time.max, ZoneInfo(settings.SCHEDULER_TIMEZONE))
    return last.astimezone(dt.UTC)


def read(jobs: Iterable[Job]) -> dict[int, Timing]:
    """The timing of each job by its key, in one query."""
    jobs = list(jobs)
    wanted = [job.periodic_task_id for job in jobs if job.periodic_task_id]
    rows = {row["pk"]: row for row in _rows(wanted)} if wanted else {}
    return {job.pk: _timing(rows.get(job.periodic_task_id), job.day_rule, job.at_zone) for job in jobs}


def timings(rows: Iterable[dict[str, Any]]) -> Iterator[Timing]:
    """The timings of rows with `columns`, `day_rule` and `at_zone`; those that are alike are one object."""
    known: dict[Any, Timing] = {}
    for row in rows:
        key = (row["day_rule"], row["at_zone"], *(row[name] for name in COLUMNS))
        if (timing := known.get(key)) is None:
            timing = known[key] = _timing(row, row["day_rule"], row["at_zone"])
        yield timing


def attach(jobs: Iterable[Job]) -> list[Job]:
    """Loads the timing of a whole list at once."""
    jobs = list(jobs)
    timings = read(jobs)
    for job in jobs:
        job.__dict__["timing"] = timings[job.pk]
    return jobs


def take(job: Job, row: Mapping[str, Any]) -> None:
    """Takes over the timing of a job out of its row with `columns`, which may be the attributes of the job."""
    job.__dict__["timing"] = _timing(row, job.day_rule, job.at_zone)


def write(job: Job, timing: Timing) -> None:
    """Stores `timing` as the job's periodic task; the caller saves the job, then calls `discard` for what is left over."""
    if timing.kind == "none":
        job.periodic_task = None
    else:
        values = _pointers(timing) | {
            "name": f"job {job.uid}",
            "enabled": timing.enabled,
            "one_off": timing.kind == "once",
            "start_time": timing.start,
            "expires": timing.expires,
            "date_changed": clock.now(),
        }
        key = job.periodic_task_id
        if key is None or not PeriodicTask.objects.filter(pk=key).update(**values):
            # The beat does not keep jobs in memory: it need not reload when one is made, and of a name with the job's own
            # id there is no other to look for.
            task = PeriodicTask(task=TASK, **values)
            task.no_changes = True
            Model.save(task, force_insert=True)
            job.periodic_task = task
    job.day_rule = timing.day_rule
    job.at_zone = timing.timezone if timing.kind == "once" else ""
    job.__dict__["timing"] = _as_read(timing)


def _as_read(timing: Timing) -> Timing:
    """The same without what its kind does not keep."""
    bounds = {"start": timing.start, "expires": timing.expires, "enabled": timing.enabled}
    match timing.kind:
        case "cron":
            fields = " ".join(timing.expression.split())
            return Timing("cron", fields, timing.timezone, timing.day_rule, **bounds)  # type: ignore[arg-type]
        case "interval":
            return Timing("interval", every=timing.every, period=timing.period, **bounds)  # type: ignore[arg-type]
        case "once":
            return Timing("once", timezone=timing.timezone, at=timing.at, **bounds)  # type: ignore[arg-type]
    return NEVER


def discard(periodic_task_id: int | None) -> None:
    """Removes the periodic task of a job that has none any more."""
    PeriodicTask.objects.filter(pk=periodic_task_id, job=None).delete()


def set_enabled(job: Job, enabled: bool) -> bool:
    """Switches the schedule on or off; false when it was so already."""
    changed: int = PeriodicTask.objects.filter(pk=job.periodic_task_id, enabled=not enabled).update(
        enabled=enabled
    )
    job.__dict__.pop("timing", None)
    return changed == 1


def _pointers(timing: Timing) -> dict[str, Any]:
    """Which of the three kinds of schedules it is, and which one."""
    to: dict[str, Any] = {"crontab": None, "interval": None, "clocked": None}
    if timing.kind == "cron":
        minute, hour, day, month, weekday = timing.expression.split()
        to["crontab"] = _shared(
            CrontabSchedule,
            minute=minute,
            hour=hour,
            day_of_month=day,
            month_of_year=month,
            day_of_week=weekday,
            timezone=ZoneInfo(timing.timezone),
        )
    elif timing.kind == "interval":
        to["interval"] = _shared(IntervalSchedule, every=timing.every, period=timing.period)
    else:
        to["clocked"] = _shared(ClockedSchedule, clocked_time=timing.at)
    return to


def _shared(model: Any, **values: Any) -> Any:
    """Schedules are shared between tasks; their tables allow duplicates, so `get_or_create` could fail.

    A new one is written without the signal that makes every beat load its tasks again: jobs are not among them.
    """
    found = model.objects.filter(**values).order_by("pk")
    if there := found.first():
        return there
    made = model(**values)
    model.objects.bulk_create([made])
    return made if made.pk else found.first()


def columns(prefix: str = "") -> dict[str, F | Cast]:
    """The columns of a periodic task that say when, as annotations; `prefix` leads to it from another table."""
    paths = {name: F(f"{prefix}{path}") for name, path in _PATHS.items()}
    return {**paths, "task_zone": Cast(F(f"{prefix}crontab__timezone"), CharField())}


def _rows(ids: list[int]) -> list[dict[str, Any]]:
    return list(PeriodicTask.objects.filter(pk__in=ids).annotate(**columns()).values("pk", *COLUMNS))


def _timing(row: Mapping[str, Any] | None, day_rule: str, at_zone: str) -> Timing:
    if row is None or row["task_enabled"] is None:
        return NEVER
    common = {"enabled": row["task_enabled"], "start": row["task_start"], "expires": row["task_expires"]}
    if row["task_minute"] is not None:
        fields = (row[f"task_{name}"] for name in ("minute", "hour", "day", "month", "weekday"))
        expression = " ".join(str(field).replace(" ", "") for field in fields)
        return Timing("cron", expression, row["task_zone"] or "", day_rule, **common)
    if row["task_period"] is not None:
        return Timing("interval", every=row["task_every"], period=row["task_period"], **common)
    return Timing("once", timezone=at_zone, at=row["task_at"], **common)


def _earliest(*moments: dt.datetime | None) -> dt.datetime | None:
    return min((moment for moment in moments if moment), default=None)


def _text(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
