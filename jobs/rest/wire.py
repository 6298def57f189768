"""Jobs as JSON: the keys of the v2 wire facts, section 5, and ours beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from jobs import schedule, wording
from jobs.forms.targets import target
from jobs.models import Dependency, Job, Pause
from jobs.models.fields import PLAIN
from jobs.schedule import ScheduleError
from jobs.timetable import Timing
from scheduler_site.rest.views import timestamp


def job_json(job: Job, pause: Pause | None) -> dict[str, Any]:
    """A job as the answer to a change; `pause` is its present one. Secrets are told by name only."""
    timing = job.timing
    return {
        "id": str(job.uid),
        **{field.name: getattr(job, field.name) for field in PLAIN},
        "cron_expression": timing.expression,
        **target(job.kind, job.options),
        "metadata": job.metadata,
        "category": job.category.slug,
        "end_date": job.end_date.isoformat() if job.end_date else None,
        "pic_team": job.team.slug if job.team else None,
        "enable_email_notifications": job.enable_email_notifications,
        "notification_emails": job.notification_emails,
        "notify_on_success": job.notify_on_success,
        "created_by": str(job.owner.uid) if job.owner else None,
        "is_active": timing.enabled,
        "created_at": timestamp(job.created_at),
        "updated_at": timestamp(job.updated_at),
        # Ours, beside those of the dialect.
        "kind": job.kind,
        "options": job.options,
        "environment": job.environment.name if job.environment else None,
        "environment_id": str(job.environment.uid) if job.environment else None,
        "schedule": schedule_json(timing),
        "pause": pause_json(pause),
        "resumes_at": zoned(pause.until, settings.SCHEDULER_TIMEZONE) if pause else None,
        "broken": job.broken,
        "secrets": sorted(job.secrets),
        "depends_on": [{"job": str(edge.after.uid), "on": edge.on} for edge in edges_of(job)],
    }


def edges_of(job: Job) -> Iterable[Dependency]:
    """What it runs after; without asking again where it was loaded for a whole list."""
    known = getattr(job, "edges", None)
    return job.dependencies.select_related("after") if known is None else known


def read_json(job: Job, pause: Pause | None, *, last_execution_at: str | None) -> dict[str, Any]:
    """A job as the answer to a question: with the times of its last and its next run."""
    upcoming = job.next_run_at if job.timing.enabled else None
    return job_json(job, pause) | {
        "last_execution_at": last_execution_at,
        "next_execution_at": zoned(upcoming, settings.SCHEDULER_TIMEZONE),
    }


def schedule_json(timing: Timing) -> dict[str, Any]:
    """A schedule; what its kind does not use is null. `at` is in the job's zone, `every` counts `period`s."""
    zone = timing.timezone or settings.SCHEDULER_TIMEZONE
    interval = timing.kind == "interval"
    return {
        "kind": timing.kind,
        "expression": timing.expression or None,
        "timezone": zone,
        "day_rule": timing.day_rule,
        "every": timing.every if interval else None,
        "period": timing.period if interval else None,
        "at": zoned(timing.at, zone),
        "in_words": _in_words(timing, settings.SCHEDULER_TIMEZONE),
    }


def pause_json(pause: Pause | None) -> dict[str, Any] | None:
    if pause is None:
        return None
    return {
        "since": timestamp(pause.since),
        "until": zoned(pause.until, settings.SCHEDULER_TIMEZONE),
        "by": pause.by.get_username() if pause.by else None,
        "reason": pause.reason,
    }


def zoned(moment: dt.datetime | None, zone: str) -> str | None:
    """Local time with its offset, in whole seconds; in UTC where the zone is not known (a broken row)."""
    if moment is None:
        return None
    try:
        return moment.astimezone(schedule.zone(zone)).isoformat(timespec="seconds")
    except ScheduleError:
        return moment.astimezone(ZoneInfo("UTC")).isoformat(timespec="seconds")


def read_moment(text: str, zone: str) -> dt.datetime:
    """An ISO 8601 time, aware; without an offset it is meant in `zone`. Raises ValueError (ScheduleError is one)."""
    local = schedule.zone(zone)
    moment = dt.datetime.fromisoformat(text.strip())
    moment = moment if moment.tzinfo else moment.replace(tzinfo=local)
    try:
        return moment.astimezone(local)
    except OverflowError as error:
        raise ValueError("This time is out of range.") from error


def _in_words(timing: Timing, zone: str) -> str:
    try:
        when = timing.schedule()
        return wording.in_words(when, zone) if when else ""
    except ScheduleError:
        return ""
