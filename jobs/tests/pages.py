"""A browser without JavaScript, and what it sends."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.models import Category, User
from jobs.forms.page import version_of
from jobs.models import Job
from jobs.tests.factories import usual_rules


def browser(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def entries(**changes: Any) -> dict[str, Any]:
    """The form of a webhook job, filled in; `options_x` stands for the field `options-x`."""
    values: dict[str, Any] = {
        "kind": "webhook",
        "name": "nightly",
        "category": Category.general().pk,
        "options-target_url": "https://1.1.1.1/hook",
        "metadata": "{}",
        "schedule_kind": "cron",
        "expression": "30 2 * * *",
        "timezone": "Europe/Berlin",
        "day_rule": "either",
        "period": "minutes",
        # A browser sends neither empty boxes nor null.
        **{name: str(value) for name, value in usual_rules().items() if value not in (None, False)},
    }
    named = {name.replace("options_", "options-"): value for name, value in changes.items()}
    return values | named


def edits(job: Job, **changes: Any) -> dict[str, Any]:
    """The same form for a stored job, with the version that the reader saw."""
    return entries(name=job.name, version=version_of(job)) | entries(**{"name": job.name, **changes})
