"""Jobs for tests, made through the same form and verb as everybody's."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import Category, User
from audit.record import Actor
from jobs import verbs
from jobs.forms.job import JobForm
from jobs.models import Job
from jobs.models.column_types import column_of
from jobs.models.fields import FIELDS

UTC = dt.UTC


def moment(text: str) -> dt.datetime:
    """`2026-03-01 10:00` or with seconds, in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


def somebody() -> User:
    return User.objects.get_or_create(username="olga", defaults={"role": User.Role.ADMIN})[0]


def usual_rules() -> dict[str, Any]:
    """The fields of a job that stand among the rules, with their defaults."""
    return {field.name: column_of(field.name).get_default() for field in FIELDS if field.row}


def form_values(**changes: Any) -> dict[str, Any]:
    """What a page or an API hands to the form for a job that calls a webhook every hour."""
    values: dict[str, Any] = {
        "name": "hourly",
        "kind": Job.Kind.WEBHOOK,
        "category": Category.general().pk,
        "schedule_kind": "cron",
        "expression": "0 * * * *",
        "timezone": "UTC",
        **usual_rules(),
        "stop_grace": 1,
        "options": {"target_url": "https://1.1.1.1/hook"},
        "end_date": None,
    }
    return values | changes


def make_job(owner: User | None = None, *, due: str | None = None, **changes: Any) -> Job:
    """A job in the database, without an end date; `due` sets the time of its next run, as if it had been made before."""
    user = owner or somebody()
    form = JobForm(form_values(**changes), user=user)
    assert form.is_valid(), form.errors.as_json()
    job = verbs.create(form.changes(), by=Actor(user, "api"))
    if due:
        job.next_run_at = moment(due)
        job.save(update_fields=["next_run_at"])
    # An end date of the real calendar must not end jobs whose tests play at another time.
    Job.objects.filter(pk=job.pk).update(end_date=None)
    return Job.objects.get(pk=job.pk)
