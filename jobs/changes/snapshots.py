"""The whole definition of a job as the audit trail keeps it with each version, and a job made out of it again.

Secrets are no part of it, but for their names; nor is whether the job is paused, and whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.db.models import Model
from django.utils.translation import gettext as _

from jobs.models import Job
from jobs.models.column_types import column_of, references
from jobs.models.fields import NAMES
from jobs.models.stored_schedule import Timing
from scheduler_site.lib import credentials

STORED = tuple(name for name in NAMES if name not in references())


class Gone(Exception):
    """The definition names something that does not exist any more; the text says what."""


def snapshot(job: Job, *, without: Job | None = None) -> dict[str, Any]:
    """The definition of a job as it is now; `without` a job that it follows and that is about to be deleted."""
    edges = job.edges_by_name if job.pk else ()
    # What is hidden is not kept either: the trail is for ever.
    return {name: credentials.masked(getattr(job, name)) for name in STORED} | {
        **{name: reference_to(getattr(job, name)) for name in references()},
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
    for name in references():
        if reference := definition.get(name):
            setattr(job, name, _found(name, reference))
    job.__dict__["timing"] = Timing.from_json(definition["schedule"])
    return job


def bare(definition: Mapping[str, Any]) -> Job:
    """The same without what leads to other rows: enough for `Job.definition`. Fields that are younger have their defaults."""
    known = [name for name in STORED if name in definition]
    job = Job(**{name: column_of(name).to_python(definition[name]) for name in known})
    if environment := definition.get("environment"):
        job.environment_id = UUID(environment["id"])
    return job


def reference_to(row: Any) -> dict[str, str] | None:
    """`{"id": UUID, "name": ...}` of a category, team or environment, as versions keep it."""
    return {"id": str(row.uid), "name": row.name} if row else None


def _found(name: str, reference: Mapping[str, str]) -> Any:
    model = cast("type[Model]", column_of(name).related_model)
    row = model._default_manager.filter(uid=reference["id"]).first()
    if row is None:
        text = _("It names the %(kind)s “%(name)s”, which does not exist any more.")
        raise Gone(text % {"kind": model._meta.verbose_name, "name": reference["name"]})
    return row
