"""Rows as the JSON of this dialect: pure functions, apart from what the rows bring along."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, NotRequired, TypedDict
from zoneinfo import ZoneInfo

from accounts.models import Category, User
from compat.ndscheduler import cron
from executions.models import Execution, State
from jobs.models import Job
from jobs.models.stored_schedule import PERIODS, Timing
from scheduler_site.lib import credentials

# Jobs of other kinds are shown as classes of this name, with what they call as the only argument.
OTHER_KINDS = "belfry."
STATES: dict[str, str] = {
    State.QUEUED: "scheduled",
    State.RUNNING: "running",
    State.SUCCESS: "succeeded",
    State.FAILED: "failed",
    State.TIMEOUT: "timeout",
    State.STOPPED: "stopped",
    State.LOST: "failed",
    State.ERROR: "scheduled error",
    # Due times without a run: not in lists, and shown like a run that could not be started.
    State.MISSED: "scheduled error",
    State.SKIPPED: "scheduled error",
}
# What of a job is needed for showing it.
SHOWN = (
    "uid",
    "name",
    "kind",
    "options",
    "client_form",
    "category_id",
    "periodic_task_id",
    "day_rule",
    "at_zone",
    "next_run_at",
)
# What `updated` looks at.
DATED = ("created_at", "started_at", "finished_at")
INDENT = 4
STAR = "*"
# Field, seconds, and the longest step that the field takes.
_UNITS = (("day", 86400, 30), ("hour", 3600, 23), ("minute", 60, 59))


# Accounts and categories ------------------------------------------------------------------------------------------------


class Stamps(TypedDict):
    created_at: str
    updated_at: str


class Identity(TypedDict):
    id: int
    username: str
    category_id: int
    is_admin: bool
    is_permission: bool


class ShownUser(Identity, Stamps):
    pass


class ShownCategory(Stamps):
    id: int
    name: str
    description: str | None


def identity(user: User, category_id: int) -> Identity:
    """The account as the login tells it."""
    return {
        "id": user.pk,
        "username": user.username,
        "category_id": category_id,
        "is_admin": user.is_admin,
        "is_permission": user.is_writer,
    }


def user_json(user: User, category_id: int) -> ShownUser:
    return {**identity(user, category_id), **_stamps(user.created_at, user.updated_at)}


def category_json(number: int, category: Category) -> ShownCategory:
    return {
        "id": number,
        "name": category.name,
        "description": category.description or None,
        **_stamps(category.created_at, category.updated_at),
    }


def all_json(general: Category) -> ShownCategory:
    """The category 0, which is no row: as old as General."""
    return {
        "id": 0,
        "name": "all",
        "description": "All categories",
        **_stamps(general.created_at, general.created_at),
    }


def _stamps(created: dt.datetime, updated: dt.datetime) -> Stamps:
    return {"created_at": milliseconds(created), "updated_at": milliseconds(updated)}


# Jobs ------------------------------------------------------------------------------------------------------------------


class CronFields(TypedDict):
    """APScheduler's (cron.FIELDS)."""

    month: str
    day: str
    week: str
    day_of_week: str
    hour: str
    minute: str


class Definition(CronFields):
    job_id: str
    name: str
    job_class_string: str
    pub_args: list[Any]


class ShownJob(Definition):
    category_id: int
    next_run_time: str


def job_json(job: Job, category_id: int, zone: ZoneInfo) -> ShownJob:
    """A job; its next run is in the scheduler's zone, and empty while it is paused or when there is none."""
    upcoming = job.next_run_at if job.timing.enabled else None
    return {
        **definition_json(job),
        "category_id": category_id,
        "next_run_time": upcoming.astimezone(zone).isoformat(timespec="seconds") if upcoming else "",
    }


def definition_json(job: Job) -> Definition:
    class_name, args = called(job.kind, job.options)
    fields = cron_fields(job)
    return {
        "job_id": job.uid.hex,
        "name": shown_name(job),
        "job_class_string": class_name,
        "pub_args": credentials.masked(args),
        "month": fields["month"],
        "day": fields["day"],
        "week": fields["week"],
        "day_of_week": fields["day_of_week"],
        "hour": fields["hour"],
        "minute": fields["minute"],
    }


def called(kind: str, options: dict[str, Any]) -> tuple[str, list[Any]]:
    """Class and arguments; of a job that is no Python class its kind and what it calls."""
    if kind == Job.Kind.PYTHON_CLASS:
        return str(options.get("job_class", "")), list(options.get("args") or [])
    names = ("target_url", "owner", "repo", "workflow")
    return f"{OTHER_KINDS}{kind}", [options[name] for name in names if options.get(name)]


def arguments(job: Job) -> list[Any]:
    """Those of a job as they are stored, with what is masked in answers."""
    return called(job.kind, job.options)[1]


def shown_name(job: Job) -> str:
    """The name that a client gave, which in this dialect several jobs may have."""
    client_form = job.client_form
    return str(client_form["name"]) if client_form.get("known_as") == job.name else job.name


def cron_fields(job: Job) -> dict[str, str]:
    """As a client wrote them, as long as the schedule is what was made of it; else in our words."""
    timing, client_form = job.timing, job.client_form
    if client_form and timing.kind == "cron" and client_form.get("expression") == timing.expression:
        return {name: str(client_form["fields"][name]) for name in cron.FIELDS}
    return timing_fields(timing)


def timing_fields(timing: Timing) -> dict[str, str]:
    """Exact for most cron expressions (see cron.fields_of); intervals and single times as near as the fields allow.

    A row that somebody damaged shows stars: it must not keep the others from being listed.
    """
    try:
        return _fields_of(timing)
    except (ValueError, IndexError, KeyError, OSError):  # of zones KeyError and OSError
        return dict.fromkeys(cron.FIELDS, STAR)


def _fields_of(timing: Timing) -> dict[str, str]:
    if timing.kind == "cron":
        return cron.fields_of(timing.expression)
    if timing.kind == "once" and timing.at:
        at = timing.at.astimezone(ZoneInfo(timing.timezone)) if timing.timezone else timing.at
        return cron.filled(
            {"month": str(at.month), "day": str(at.day), "hour": str(at.hour), "minute": str(at.minute)}
        )
    if timing.kind == "interval":
        return _interval_fields(timing)
    return dict.fromkeys(cron.FIELDS, STAR)


def _interval_fields(timing: Timing) -> dict[str, str]:
    """`*/n` of the largest unit that is not longer than the interval; what is shorter than a minute, every minute."""
    length = timing.every * PERIODS.get(timing.period, 60)
    unit, size, most = next((one for one in _UNITS if length >= one[1]), _UNITS[-1])
    step = min(max(length // size, 1), most)
    return cron.filled({unit: f"*/{step}" if step > 1 else STAR})


# Runs ------------------------------------------------------------------------------------------------------------------


class JobOfRun(Definition):
    task_name: str


class ShownRun(TypedDict):
    execution_id: str
    state: str
    hostname: str
    pid: int
    task_id: str
    description: str
    result: str | None
    scheduled_time: str
    updated_time: str
    job: NotRequired[JobOfRun]


def execution_json(run: Execution, *, log: str = "") -> ShownRun:
    """A run; with its job while there is one. `log` is the end of what a failed run wrote."""
    host, _, pid = run.worker.rpartition(":")
    body: ShownRun = {
        "execution_id": run.uid.hex,
        "state": "stopping" if run.is_stopping else STATES[run.state],
        "hostname": host,
        "pid": int(pid) if pid.isdigit() else -1,
        "task_id": run.uid.hex if run.started_at else "",
        "description": f"hostname: {host} | pid: {pid}" if host else str(run.get_reason_display()),
        "result": result(run, log),
        "scheduled_time": microseconds(run.due_at),
        "updated_time": microseconds(updated(run)),
    }
    if run.job is not None:
        job = definition_json(run.job)
        body["job"] = {**job, "task_name": job["job_class_string"]}
    return body


def updated(run: Execution) -> dt.datetime:
    return run.finished_at or run.started_at or run.created_at


def result(run: Execution, log: str = "") -> str | None:
    """The return value as indented JSON; why it failed, with the traceback that it wrote; null while unfinished."""
    if run.is_open:
        return None
    if run.state == State.SUCCESS:
        return indented(run.result)
    reason = run.error or str(run.get_reason_display()) or run.state
    traceback = log[log.rfind("Traceback (most recent call last)") :] if "Traceback" in log else ""
    return traceback.strip() or reason


def indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text or "null"), indent=INDENT, ensure_ascii=False)
    except ValueError:
        return text


# Times -----------------------------------------------------------------------------------------------------------------


def milliseconds(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def microseconds(moment: dt.datetime) -> str:
    """ISO 8601 in UTC, with six digits of the second."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")
