"""Many jobs at once, as `jobs.verbs.create` would make them one by one, and what became of their runs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Coalesce
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from accounts.models import Category
from audit.record import Actor
from bench.speed.noop import IO
from executions.models import FINAL, Execution, State
from jobs import verbs
from jobs.models import Job, stored_schedule
from jobs.models.stored_schedule import Timing

TOGETHER, PART = 5000, 50_000
# Far enough from now that nothing of it falls due while a row is measured.
FAR_MINUTES = 29


def interval(first: dt.datetime) -> Timing:
    """Once a day on a grid through `first`, which is a whole second."""
    return Timing("interval", every=1, period="days", start=first)


def hourly(first: dt.datetime) -> Timing:
    """A cron expression that is due at `first`, which is a whole minute."""
    return Timing("cron", f"{first.minute} * * * *", "UTC")


def far(now: dt.datetime) -> list[Timing]:
    """60 distinct cron expressions of every hour, none of them due soon."""
    minutes = [(now.minute + FAR_MINUTES + step) % 60 for step in range(30)]
    return [Timing("cron", f"{minute} {hours} * * *", "UTC") for minute in minutes for hours in ("*", "0-23")]


def add(
    count: int, timings: Iterable[Timing], *, kind: str = IO, name: str = "job", **values: Any
) -> list[Job]:
    """Makes `count` jobs that take turns at the schedules."""
    now, kept = dt.datetime.now(dt.UTC), list(timings)
    rows = [_schedule(timing) for timing in kept]
    upcoming = [_upcoming(timing, now) for timing in kept]
    common = {"kind": kind, "category": Category.general(), "by_installation": True, **values}
    made: list[Job] = []
    for start in range(0, count, TOGETHER):
        jobs = [
            Job(name=f"{name} {number}", **common) for number in range(start, min(count, start + TOGETHER))
        ]
        tasks = []
        for number, job in enumerate(jobs, start):
            timing, schedule = kept[number % len(kept)], rows[number % len(kept)]
            tasks.append(
                PeriodicTask(
                    name=f"job {job.uid}", task=stored_schedule.TASK, start_time=timing.start, expires=timing.expires,
                    **schedule,
                )
            )  # fmt: skip
            job.day_rule, job.next_run_at = timing.day_rule, upcoming[number % len(kept)]
        PeriodicTask.objects.bulk_create(tasks)
        for job, task in zip(jobs, tasks, strict=True):
            job.periodic_task = task
        Job.objects.bulk_create(jobs)
        made += jobs
    _analyse()
    return made


def fill(total: int) -> None:
    """Jobs that do not fall due while a row is measured, by parts: a million at once would not fit into memory."""
    timings = far(dt.datetime.now(dt.UTC))
    for start in range(0, total, PART):
        add(min(PART, total - start), timings, name=f"far {start // PART}")


def check() -> None:
    """Raises AssertionError when a job made here differs from one that the verb makes."""
    first = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) + dt.timedelta(minutes=90)
    for timing in (hourly(first), interval(first)):
        values = {"kind": IO, "category": Category.general()}
        verb = verbs.create(
            verbs.JobChanges({"name": f"verb {timing.kind}", **values}, timing), by=Actor.system()
        )
        bulk = add(1, [timing], name=f"bulk {timing.kind}")[0]
        assert _plain(bulk) == _plain(verb), (_plain(bulk), _plain(verb))


def forget_runs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE executions_execution CASCADE")


def make_due(jobs: Iterable[Job], moment: dt.datetime) -> None:
    """Puts the jobs' next run back to `moment`, which must be one of their due times."""
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(next_run_at=moment)


def ended(**filters: Any) -> int:
    return Execution.objects.filter(state__in=FINAL, **filters).count()


def must_be_well() -> None:
    """Raises RuntimeError when a run did not end well: then a measurement means nothing."""
    bad = Execution.objects.filter(state__in=FINAL).exclude(state=State.SUCCESS)
    if texts := [f"{run.job_name} {run.state} {run.reason} {run.error}" for run in bad[:5]]:
        raise RuntimeError(f"Not all runs ended well: {texts}")


def traced(path: Path) -> list[tuple[float, float]]:
    """Of jobs of the class `bench.faults.jobs.Mark`: due time and first line, in seconds since 1970."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    starts = [line for line in lines if line["event"] == "start"]
    return [(dt.datetime.fromisoformat(line["slot"]).timestamp(), float(line["at"])) for line in starts]


def last_line(**filters: Any) -> float:
    """When the last of the jobs that do nothing began, in seconds since 1970."""
    return max(float(text) for text in Execution.objects.filter(**filters).values_list("result", flat=True))


def last_message(**filters: Any) -> float:
    """When the last of the runs was announced, in seconds since 1970; where that was not noted, when it started."""
    moments = Execution.objects.filter(**filters).annotate(sent=Coalesce("published_at", "started_at"))
    found: dt.datetime = moments.aggregate(last=Max("sent"))["last"]
    return found.timestamp()


def last(field: str, **filters: Any) -> dt.datetime:
    """The latest of a moment of the runs."""
    found: dt.datetime = Execution.objects.filter(**filters).aggregate(last=Max(field))["last"]
    return found


def _schedule(timing: Timing) -> dict[str, Any]:
    if timing.kind == "interval":
        row, _ = IntervalSchedule.objects.get_or_create(every=timing.every, period=timing.period)
        return {"interval": row}
    minute, hour, day, month, weekday = timing.expression.split()
    cron, _ = CrontabSchedule.objects.get_or_create(
        minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday,
        timezone=ZoneInfo(timing.timezone),
    )  # fmt: skip
    return {"crontab": cron}


def _upcoming(timing: Timing, now: dt.datetime) -> dt.datetime | None:
    schedule = timing.schedule()
    return schedule.next_after(now) if schedule else None


def _analyse() -> None:
    with connection.cursor() as cursor:
        # SQLite has no list of tables, and nothing to vacuum in a new file.
        tables = "jobs_job, django_celery_beat_periodictask, executions_execution"
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else f"VACUUM ANALYZE {tables}")


def _plain(job: Job) -> dict[str, Any]:
    """All that is stored of a job and its periodic task, without names, keys and the moments of writing."""
    own = {"id", "uid", "name", "created_at", "updated_at", "date_changed", "periodic_task_id"}
    rows = Job.objects.filter(pk=job.pk), PeriodicTask.objects.filter(job=job.pk)
    return {
        f"{row.model.__name__}.{key}": value
        for row in rows
        for key, value in row.values().get().items()
        if key not in own
    }
