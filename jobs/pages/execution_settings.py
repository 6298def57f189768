"""The execution settings on the page of a job: those that differ from the default, and the important ones."""

from __future__ import annotations

from typing import Any

from django.template.defaultfilters import yesno
from django.utils.translation import gettext as _

from jobs.models import Job
from jobs.models.column_types import column_of, shape_of
from jobs.models.fields import FIELDS, JobField
from jobs.runners import RUNNERS
from jobs.templatetags.timing import duration


def rules_of(job: Job) -> list[tuple[str, str]]:
    """Their labels and values, in words."""
    shown = [field for field in FIELDS if field.row and _is_shown(field, getattr(job, field.name))]
    return [(str(column_of(field.name).verbose_name), _worded(job, field)) for field in shown]


def _is_shown(field: JobField, value: Any) -> bool:
    return field.always_shown or value != column_of(field.name).get_default()


def _worded(job: Job, field: JobField) -> str:
    value = getattr(job, field.name)
    if field.name == "timeout" and value is None and job.kind in RUNNERS:
        return _("default (%(time)s)") % {"time": duration(RUNNERS[job.kind].default_timeout)}
    if value is None:
        return _(field.nothing) if field.nothing else "–"
    match shape_of(field):
        case "choice":
            return str(getattr(job, f"get_{field.name}_display")())
        case "flag":
            return str(yesno(value))
        case "number" if field.unit == "seconds":
            return duration(value)
    return str(value)
