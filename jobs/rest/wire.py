"""Jobs as JSON: the keys of the v2 wire facts, section 5, and ours beside them."""

from __future__ import annotations

import datetime as dt
from operator import attrgetter
from typing import Annotated, Any, TypedDict, cast, overload
from zoneinfo import ZoneInfo

from django.conf import settings

from environments.models import LONGEST_NAME
from jobs import exposed_credentials, schedule, schedule_text
from jobs.forms.targets import Target, target
from jobs.models import Dependency, Job, Pause
from jobs.models.stored_schedule import Timing
from jobs.rest.declared_fields import ANSWERED
from jobs.runners import Options
from jobs.schedule import ScheduleError
from scheduler_site.lib import clock, credentials
from scheduler_site.rest.schema_types import Day, Moment, Rules, Stamp, Uid, also, one_of
from scheduler_site.rest.views import ApiError, timestamp

NAMES = tuple(ANSWERED)
_plain = attrgetter(*NAMES)
Zone = Annotated[str, "A time zone by its IANA name.", Rules(examples=["Asia/Tokyo"])]
DayRule = Annotated[
    str,
    "Whether a day must match either of the day fields or both, when both are set.",
    one_of(["either", "both"]),
]
Period = Annotated[str, "The unit of `every`.", one_of(["seconds", "minutes", "hours", "days"])]
KINDS = one_of(["cron", "interval", "once", "none"])
Kind = Annotated[str, "What kind of job it is.", one_of(Job.Kind.values)]
Metadata = Annotated[dict[str, Any], "Whatever belongs to the job; it is sent along with each run."]
On = Annotated[
    str, "How a run of it must have ended.", one_of(Dependency.On.values), Rules(default="success")
]
Mails = Annotated[bool, "Whether mail is sent when a scheduled run fails.", Rules(default=False)]
Addresses = Annotated[
    list[Annotated[str, "An address.", Rules(format="email")]], "Who gets it; kept while mail is on."
]
MailsSuccess = Annotated[bool, "Whether mail is sent after a success as well.", Rules(default=False)]


class Schedule(TypedDict):
    """When it runs; what its kind does not use is null."""

    kind: Annotated[str, "By a cron expression, at an interval, once, or only by hand.", KINDS]
    expression: Annotated[str | None, "The cron expression."]
    timezone: Zone
    day_rule: DayRule
    every: Annotated[int | None, "How many periods lie between two runs."]
    period: Period | None
    at: Annotated[Moment | None, "When it runs once, in its time zone."]
    in_words: Annotated[str, "The same in words; empty when it cannot be read."]


class PauseJson(TypedDict):
    """Why it does not run at present."""

    since: Annotated[Stamp, "Since when."]
    until: Annotated[Moment | None, "Until when; null until somebody resumes it."]
    by: Annotated[str | None, "Who paused it."]
    reason: Annotated[str, "Why; may be empty."]


class DependencyJson(TypedDict):
    """A job to run after."""

    job: Annotated[Uid, "That job's id."]
    on: On


class _Job(Target):
    id: Annotated[Uid, "The job's id."]
    cron_expression: Annotated[
        str, "The cron expression; empty where it runs otherwise.", Rules(examples=["0 2 * * *"])
    ]
    metadata: Metadata
    category: Annotated[str, "The category's slug.", Rules(examples=["general"])]
    end_date: Annotated[Day | None, "The last day on which it runs."]
    pic_team: Annotated[str | None, "The slug of the team in charge."]
    enable_email_notifications: Mails
    notification_emails: Addresses
    notify_on_success: MailsSuccess
    created_by: Annotated[Uid | None, "Its owner."]
    is_active: Annotated[bool, "Whether its schedule is in force."]
    created_at: Annotated[Stamp, "When it was made."]
    updated_at: Annotated[Stamp, "When it was last changed."]
    # Ours, beside those of the dialect.
    kind: Kind
    options: Options
    environment: Annotated[
        str | None,
        "The environment of a script, by name.",
        Rules(maxLength=LONGEST_NAME, examples=["reports"]),
    ]
    environment_id: Annotated[Uid | None, "The id of that environment."]
    schedule: Schedule
    pause: PauseJson | None
    resumes_at: Annotated[
        Moment | None,
        "When its pause ends by itself, in the scheduler's zone; null: not paused, or until somebody resumes it.",
    ]
    broken: Annotated[str, "Why it cannot be scheduled; empty when it can."]
    code_suspended: Annotated[
        str,
        "Why its code is not run: its owner is not active, may not run code, or is gone; empty when it runs.",
        Rules(enum=["", "inactive", "right", "ownerless"]),
    ]
    exposed: Annotated[
        list[Annotated[str, "Where one is."]],
        "Credentials in its options and metadata, outside of the secrets: they are masked here.",
    ]
    secrets: Annotated[
        list[Annotated[str, "A name."]], "The names of its secrets; the values are never told."
    ]
    depends_on: Annotated[list[DependencyJson], "The jobs that it runs after."]


@also(ANSWERED, required=ANSWERED)
class WrittenJob(_Job):
    """A job after a change."""


@also(ANSWERED, required=ANSWERED)
class JobJson(_Job):
    """A job."""

    last_execution_at: Annotated[
        str | None,
        "When it was last started, in UTC: with Z in the list, without an offset in the single read.",
    ]
    next_execution_at: Annotated[
        Moment | None, "When it is due next, in the scheduler's zone; null when paused."
    ]


def job_json(job: Job, pause: Pause | None) -> WrittenJob:
    """A job as the answer to a change; `pause` is its present one. Secrets are listed by name only."""
    timing, options = job.timing, credentials.masked(job.options)
    plain = dict(zip(NAMES, _plain(job), strict=True))
    told: WrittenJob = {
        "id": str(job.uid),
        "cron_expression": timing.expression,
        **target(job.kind, options),
        "metadata": credentials.masked(job.metadata),
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
        "kind": job.kind,
        "options": options,
        "environment": job.environment.name if job.environment else None,
        "environment_id": str(job.environment.uid) if job.environment else None,
        "schedule": schedule_json(timing),
        "pause": pause_json(pause),
        "resumes_at": zoned(pause.until, settings.SCHEDULER_TIMEZONE) if pause else None,
        "broken": job.quarantine_reason,
        "code_suspended": job.code_suspended,
        "exposed": exposed_credentials.exposed(job),
        "secrets": sorted(job.secrets),
        "depends_on": [{"job": str(edge.after.uid), "on": edge.on} for edge in job.edges],
    }
    return cast(WrittenJob, {"id": told["id"], **plain, **told})


def read_json(job: Job, pause: Pause | None, *, last_execution_at: str | None) -> JobJson:
    """A job as the answer to a question: with the times of its last and its next run."""
    upcoming = job.next_run_at if job.timing.enabled else None
    return {
        **job_json(job, pause),
        "last_execution_at": last_execution_at,
        "next_execution_at": zoned(upcoming, settings.SCHEDULER_TIMEZONE),
    }


def schedule_json(timing: Timing) -> Schedule:
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
        "in_words": _in_words(timing, zone),
    }


def pause_json(pause: Pause | None) -> PauseJson | None:
    if pause is None:
        return None
    return {
        "since": timestamp(pause.since),
        "until": zoned(pause.until, settings.SCHEDULER_TIMEZONE),
        "by": pause.by.get_username() if pause.by else None,
        "reason": pause.reason,
    }


@overload
def zoned(moment: dt.datetime, zone: str) -> str: ...
@overload
def zoned(moment: dt.datetime | None, zone: str) -> str | None: ...
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


def read_until(value: Any, zone: str = "", *, future: bool = False) -> dt.datetime | None:
    """ISO 8601, in UTC; without an offset it is meant in `zone`, by default the scheduler's. None for null.

    400 for anything else, with `future` also for a time that has passed.
    """
    if value is None:
        return None
    try:
        until = read_moment(value, zone or settings.SCHEDULER_TIMEZONE).astimezone(dt.UTC)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        text = "Write a time such as 2026-03-29T03:00:00+02:00."
        raise ApiError(400, "Invalid until", text) from error
    if future and until <= clock.now():
        raise ApiError(400, "Invalid until", "This time has passed already.")
    return until


def _in_words(timing: Timing, zone: str) -> str:
    try:
        when = timing.schedule()
        return schedule_text.in_words(when, zone) if when else ""
    except ScheduleError:
        return ""
