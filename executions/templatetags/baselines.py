"""What is usual for a job, on its page: `{% load baselines %}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.translation import gettext as _

from executions import unusual
from executions.baseline import LEARNING, Usual
from executions.templatetags.runs import megabytes
from executions.unusual import What
from jobs.models import Job
from jobs.templatetags.timing import duration

register = template.Library()


@dataclass(frozen=True)
class Row:
    """One quantity, in words. `range` is empty while it is learned; `is_on`: whether unusual runs are told."""

    label: str
    count: int
    needed: int
    is_learning: bool
    is_on: bool
    median: str
    range: str


@register.inclusion_tag("executions/_usual.html")
def usual_of(job: Job) -> dict[str, Any]:
    """The median of the last good runs, and between which bounds a run tells nobody; one query."""
    figures = unusual.figures(job.pk)
    on = {"duration": job.baseline_duration, "memory": job.baseline_memory}
    rows = [
        _row(what, figures.get(what), on[what]) for what in unusual.MEASURES if what in figures or on[what]
    ]
    return {"rows": rows}


def _row(what: What, usual: Usual | None, is_on: bool) -> Row:
    label = _("Duration") if what == "duration" else _("Peak memory")
    if usual is None:
        return Row(label, 0, LEARNING, True, is_on, "", "")
    median = _said(what, usual.median)
    within = "" if usual.is_learning else _range(what, usual)
    return Row(label, usual.count, LEARNING, usual.is_learning, is_on, median, within)


def _range(what: What, usual: Usual) -> str:
    high = _said(what, usual.high)
    if usual.low > 0:
        return _("%(low)s to %(high)s") % {"low": _said(what, usual.low), "high": high}
    return _("up to %(high)s") % {"high": high}


def _said(what: What, value: float) -> str:
    return duration(value) if what == "duration" else megabytes(round(value))
