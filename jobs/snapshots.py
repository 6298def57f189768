"""The whole definition of a job as the audit trail keeps it with each version, and a job made out of it again.

Secrets are no part of it, but for their names; nor is whether the job is paused, and whose it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Category, Team
from environments.models import Environment
from jobs.models import Job
from jobs.timetable import Timing

PLAIN = (
    *(
        "name",
        "description",
        "kind",
        "options",
        "metadata",
        "catch_up",
        "start_deadline",
        "overlap",
        "timeout",
        "stop_grace",
    ),
    *("max_attempts", "retry_delay", "retry_cap", "rerun_lost", "start_by", "finish_by"),
    *("baseline_duration", "baseline_memory"),
    *("enable_email_notifications", "notification_emails", "notify_on_success"),
)


class Gone(Exception):
    """The definition names something that does not exist any more; the text says what."""


def snapshot(job: Job, *, without: Job | None = None) -> dict[str, Any]:
    """The definition of a job as it is now; `without` a job that it follows and that is about to be deleted."""
    edges = job.dependencies.select_related("after").order_by("after__name") if job.pk else ()
    return {name: getattr(job, name) for name in PLAIN} | {
        "category": _reference(job.category),
        "team": _reference(job.team) if job.team else None,
        "environment": _reference(job.environment) if job.environment else None,
        "end_date": job.end_date,
        "schedule": job.timing.to_json(),
        "depends_on": [
            {"job": str(edge.after.uid), "name": edge.after.name, "on": edge.on}
            for edge in edges
            if edge.after != without
        ],
        "secrets": sorted(job.secrets),
    }


def restored(definition: Mapping[str, Any]) -> Job:
    """An unsaved job of this definition, for the form. Raises Gone for a category or team that does not exist any more."""
    job = bare(definition)
    job.category = _found(Category, definition["category"])
    job.team = _found(Team, definition["team"]) if definition["team"] else None
    if environment := definition.get("environment"):
        job.environment = _found(Environment, environment)
    end = definition["end_date"]
    job.end_date = dt.date.fromisoformat(end) if end else None
    job.__dict__["timing"] = Timing.from_json(definition["schedule"])
    return job


def bare(definition: Mapping[str, Any]) -> Job:
    """The same without what leads to other rows: enough for `Job.definition`. Fields that are younger have their defaults."""
    job = Job(**{name: definition[name] for name in PLAIN if name in definition})
    if environment := definition.get("environment"):
        job.environment_id = UUID(environment["id"])
    return job


def _reference(row: Category | Team | Environment) -> dict[str, str]:
    return {"id": str(row.uid), "name": row.name}


def _found(model: type[Category | Team | Environment], reference: Mapping[str, str]) -> Any:
    row = model._default_manager.filter(uid=reference["id"]).first()
    if row is None:
        text = _("It names the %(kind)s “%(name)s”, which does not exist any more.")
        raise Gone(text % {"kind": model._meta.verbose_name, "name": reference["name"]})
    return row
