"""From the body of a request to the checked values of a task, in the order of the wire facts, 4."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NoReturn
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError

from compat.conda_tasks.base import Refused, invalid
from environments.backends import validators
from environments.backends.base import Invalid
from jobs.models import DAY, Job
from jobs.models.stored_schedule import NEVER, Timing
from jobs.runners import clean_options
from jobs.runners.script.paths import PathRefused, allowed
from jobs.schedule import ScheduleError, parse_cron
from scheduler_site.lib import clock

LONGEST_NAME = 200
# How the old manager ran tasks: no time limit of its own; a stop is over within five seconds.
POLICIES: dict[str, Any] = {"timeout": 7 * DAY, "stop_grace": 3}
NUMBER = ("Delay seconds must be a valid number", "Invalid delay seconds value")
# A shorter delay means now: the tick would come too late.
SHORTEST = 1.0


@dataclass
class RequestedSchedule:
    """A cron schedule with the client's words for it, or a delay in seconds, or neither."""

    cron: Timing | None = None
    client_form: dict[str, str] = field(default_factory=dict)
    delay: float | None = None

    @property
    def is_given(self) -> bool:
        return self.cron is not None or self.delay is not None

    @property
    def is_now(self) -> bool:
        return self.cron is None and (self.delay or 0) < SHORTEST

    def timing(self) -> Timing:
        """The schedule; a delay begins now."""
        if self.cron is not None:
            return self.cron
        return (
            NEVER if self.is_now else Timing("once", at=clock.now() + dt.timedelta(seconds=self.delay or 0))
        )


@dataclass
class NewTask:
    """A new task, apart from its requirements."""

    name: str
    options: dict[str, Any]
    environment: str
    schedule: RequestedSchedule
    reuse: bool


def new_task(body: Mapping[str, Any]) -> NewTask:
    """400."""
    not_both(body)
    options = script(body.get("script"))
    environment = environment_name(body.get("conda_env"))
    name = task_name(body.get("task_name"), options)
    return NewTask(
        name, options, environment, requested_schedule(body), flag(body.get("reuse_env"), "reuse_env")
    )


def not_both(body: Mapping[str, Any]) -> None:
    if given(body, "cron_expression") and given(body, "delay_seconds"):
        invalid(
            "Please specify either cron expression or delay seconds, not both",
            "Cannot specify both cron_expression and delay_seconds",
        )


def given(body: Mapping[str, Any], name: str) -> bool:
    """null counts as not given."""
    return body.get(name) is not None


def script(value: Any) -> dict[str, Any]:
    """The path of a file that may be run, or else a text. 400."""
    if not isinstance(value, str) or not value.strip():
        invalid("Script is required")
    try:
        return clean_options(Job.Kind.SCRIPT, {"path" if _is_path(value) else "script": value})
    except ValidationError as error:
        invalid("Script cannot be used", " ".join(error.messages))


def _is_path(text: str) -> bool:
    if not text.endswith(".py") or "\n" in text:
        return False
    try:
        return allowed(text).is_file()
    except PathRefused:
        return False


def environment_name(value: Any, missing: str = "Environment name is required") -> str:
    """400."""
    if not isinstance(value, str) or not value:
        invalid(missing)
    try:
        validators.environment_name(value)
    except Invalid as error:
        invalid("Invalid environment name", str(error))
    return value


def task_name(value: Any, options: Mapping[str, Any], job: Job | None = None) -> str:
    """The given name; otherwise the file's name, or an unused name for a text. 400."""
    if value in (None, ""):
        path = options.get("path")
        value = PurePath(path).name if path else f"task-{uuid4().hex[:12]}"
    if not isinstance(value, str) or not value.strip():
        invalid("Task name must be a text")
    if len(value) > LONGEST_NAME:
        invalid(f"Task name has more than {LONGEST_NAME} characters")
    others = Job.objects.exclude(pk=job.pk) if job else Job.objects.all()
    if others.filter(name=value).exists():
        name_taken(value)
    return value


def name_taken(name: str) -> NoReturn:
    invalid("Task with this name already exists", f"Task with name '{name}' already exists")


def requested_schedule(body: Mapping[str, Any]) -> RequestedSchedule:
    """400."""
    if given(body, "cron_expression"):
        return _cron(body["cron_expression"])
    return (
        RequestedSchedule(delay=_delay(body["delay_seconds"]))
        if given(body, "delay_seconds")
        else RequestedSchedule()
    )


def _cron(value: Any) -> RequestedSchedule:
    """In the scheduler's zone. POSIX has five fields and no words for all of them together."""
    try:
        if isinstance(value, str) and value.strip().startswith("@"):
            raise ScheduleError("Write five fields: minute, hour, day, month, weekday.")
        found = parse_cron(value, settings.SCHEDULER_TIMEZONE, now=clock.now())
    except ScheduleError as error:
        invalid("The provided cron expression is invalid", f"Invalid cron expression: {error}")
    timing = Timing("cron", found.expression, found.timezone)
    return RequestedSchedule(timing, {"cron": value.strip(), "cron_stored": found.expression})


def _delay(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        invalid(*NUMBER)
    if value < 0:
        invalid("Please provide a non-negative delay value", "Delay seconds must be non-negative")
    try:
        # A day for the zone in which it is shown.
        clock.now() + dt.timedelta(seconds=value, days=1)
    except OverflowError:
        invalid(*NUMBER)
    return float(value)


def flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool | None):
        invalid(f"{name} must be true or false")
    return bool(value)


# Changes ---------------------------------------------------------------------------------------------------------------


def changed_schedule(body: Mapping[str, Any]) -> RequestedSchedule:
    """The schedule that a change asks for. 400, with the text of changes."""
    try:
        not_both(body)
        return requested_schedule(body)
    except Refused as refusal:
        body = dict(refusal.body) | {"message": "Invalid update parameters"}
        raise Refused(refusal.status, body) from refusal
