"""From the body of a request to the checked values of a job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from copy import copy
from dataclasses import replace
from itertools import count
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import Category, User
from compat.ndscheduler import cron, wire
from compat.ndscheduler.form import V1JobForm
from jobs.forms.job import form_data
from jobs.forms.timing import schedule_data
from jobs.models import Job
from jobs.models.stored_schedule import Timing
from jobs.runners.python_class import ArgsField
from jobs.schedule import ScheduleError
from jobs.verbs import JobChanges
from scheduler_site.lib import clock, credentials

REQUIRED = ("name", "job_class_string")
LONGEST_NAME = 200
LONGEST_CLASS = 255
# How schedulers of this dialect treat missed and overlapping runs (v1 wire facts, 4).
POLICIES: dict[str, Any] = {
    "overlap": Job.Overlap.ALLOW,
    "catch_up": Job.CatchUp.ALL,
    "start_deadline": 3600,
}
# Options of ours in the words of this dialect.
OPTIONS = {"job_class": "job_class_string", "args": "pub_args"}


class Invalid(ValueError):
    """Why a body is refused."""


def changes_of(
    body: Mapping[str, Any], user: User, job: Job | None = None, *, hopeful: bool = False
) -> JobChanges:
    """A new job, or what `job` is to become; rules that were set elsewhere stay. Raises Invalid, PermissionDenied for code.

    Most names are free: `hopeful` does not ask whether this one is, and the database refuses one that is not.
    """
    _require(body)
    name, class_name, args = (
        _name(body["name"]),
        _class(body["job_class_string"]),
        _args(body.get("pub_args")),
    )
    fields, timing = _schedule(body, job)
    if job is not None:
        # What was shown masked comes back so.
        args = credentials.unmasked(args, wire.arguments(job))
    values = _kind(class_name, args, job) | _naming(name, job, hopeful=hopeful)
    client_form = values.pop("client_form")
    client_form |= {"fields": fields, "expression": timing.expression} if timing else _kept(job)
    checked = _checked(values, timing, user, job)
    checked.values["client_form"] = client_form
    return checked.differing(job) if job else checked


def _checked(values: dict[str, Any], timing: Timing | None, user: User, job: Job | None) -> JobChanges:
    """The form of all surfaces judges the job as a whole. What it does not know of a schedule, its bounds, stays."""
    stored = job or Job(category=user.category or Category.general(), **POLICIES)
    when = schedule_data(timing) if timing else {}
    form = V1JobForm(form_data(stored) | when | values, user=user, instance=copy(job))
    form.settle(stored.category, stored.team)
    if not form.is_valid():
        raise Invalid(_fault(form))
    found = form.changes()
    return replace(found, timing=timing or found.timing)


def _fault(form: V1JobForm) -> str:
    """The first, with the name that the field has in this dialect."""
    for error in form.option_errors:
        return f"Invalid {OPTIONS.get(error.option, error.option)}: {error.reason}"
    field, errors = next(iter(form.errors.items()))
    return f"Invalid {field}: {' '.join(map(str, errors))}"


def imported(body: Mapping[str, Any], timing: Timing, *, taken: Set[str]) -> JobChanges:
    """A job out of another system, with all of its fields; `taken` are names of jobs beside it. Raises Invalid."""
    _require(body)
    name, class_name, args = (
        _name(body["name"]),
        _class(body["job_class_string"]),
        _args(body.get("pub_args")),
    )
    values = _kind(class_name, args, None) | _naming(name, None, taken) | POLICIES
    values["client_form"] |= {"fields": cron.filled(cron.given(body)), "expression": timing.expression}
    return JobChanges(values, timing)


def _require(body: Mapping[str, Any]) -> None:
    for field in REQUIRED:
        if body.get(field) in (None, ""):
            raise Invalid(f"Require this parameter: {field}")
    if all(body.get(field) is None for field in cron.SETTABLE):
        raise Invalid(f"Require at least one of following parameters: {json.dumps(list(cron.SETTABLE))}")


def _text(value: Any, field: str, longest: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"Invalid {field}: it must be a text.")
    if len(value.strip()) > longest:
        raise Invalid(f"Invalid {field}: it has more than {longest} characters.")
    return value.strip()


def _name(value: Any) -> str:
    return _text(value, "name", LONGEST_NAME)


def _class(value: Any) -> str:
    return _text(value, "job_class_string", LONGEST_CLASS)


def _args(value: Any) -> list[Any]:
    if value in ("", {}):  # which a form takes for nothing
        raise Invalid("Invalid pub_args: it must be an array.")
    try:
        args: list[Any] = ArgsField(required=False).clean(value)
    except ValidationError as error:
        raise Invalid(f"Invalid pub_args: {' '.join(error.messages)}") from error
    return args


# What ------------------------------------------------------------------------------------------------------------------


def _kind(class_name: str, args: list[Any], job: Job | None) -> dict[str, Any]:
    """A job of another kind stays what it is when it is sent back as it was shown."""
    if job is not None and job.kind != Job.Kind.PYTHON_CLASS and class_name == wire.OTHER_KINDS + job.kind:
        if args != wire.arguments(job):
            raise Invalid("Invalid pub_args: jobs of this kind are changed on their own page.")
        return {}
    same = job is not None and job.kind == Job.Kind.PYTHON_CLASS
    # Classes of this dialect tell the exit code in their results; it fails no run unless that was chosen elsewhere.
    kept = job.options if job is not None and same else {"fail_on_exit_code": False}
    # What the dialect does not know stays.
    others = {name: value for name, value in kept.items() if name not in ("job_class", "args")}
    options = {"job_class": class_name} | ({"args": args} if args else {})
    return {"kind": Job.Kind.PYTHON_CLASS, "options": options | others}


def _naming(
    name: str, job: Job | None, taken: Set[str] = frozenset(), *, hopeful: bool = False
) -> dict[str, Any]:
    """Several jobs of this dialect may have one name; ours then carry a number that it does not show."""
    if job is not None and name == wire.shown_name(job):
        return {
            "client_form": {
                key: job.client_form[key] for key in ("name", "known_as") if key in job.client_form
            }
        }
    free = name if hopeful else _free(name, job, taken)
    return {"name": free, "client_form": {"name": name, "known_as": free} if free != name else {}}


def _free(name: str, job: Job | None, also: Set[str]) -> str:
    others = Job.objects.exclude(pk=job.pk) if job else Job.objects.all()
    if name not in also and not others.filter(name=name).exists():
        return name
    like = others.filter(name__startswith=name[: LONGEST_NAME - 10])
    taken = also | set(like.values_list("name", flat=True))
    numbered = (f"{name[: LONGEST_NAME - len(end)]}{end}" for end in (f" ({n})" for n in count(2)))
    return next(text for text in numbered if text not in taken)


# When ------------------------------------------------------------------------------------------------------------------


def _schedule(body: Mapping[str, Any], job: Job | None) -> tuple[dict[str, str], Timing | None]:
    """The six fields, and the schedule; none where the fields are those that the job shows already."""
    try:
        fields = cron.filled(cron.given(body))
        if job is not None and fields == wire.cron_fields(job):
            return fields, None
        schedule = cron.schedule(fields, _zone(job))
        if schedule.next_after(clock.now()) is None:
            raise Invalid("Invalid schedule: it never fires, no date of the next five years matches.")
    except (cron.CronError, ScheduleError) as error:
        raise Invalid(str(error)) from error
    old = job.timing if job and job.timing.kind == "cron" else Timing()
    timing = Timing(
        "cron", schedule.expression, schedule.timezone, "both", start=old.start, expires=old.expires
    )
    return fields, replace(timing, enabled=job.timing.enabled) if job else timing


def _zone(job: Job | None) -> str:
    """That of the scheduler; a job that was given another one keeps it."""
    return (job.timing.timezone if job else "") or settings.SCHEDULER_TIMEZONE


def _kept(job: Job | None) -> dict[str, Any]:
    client_form = job.client_form if job else {}
    return {key: client_form[key] for key in ("fields", "expression") if key in client_form}
