"""What is usual for a job, on its page: `{% load baselines %}`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django import template
from django.utils.translation import gettext as _

from executions.alerting import unusual
from executions.alerting.baseline import LEARNING, Usual
from executions.alerting.unusual import What
from executions.models import State
from executions.monitoring.job_health import Past
from executions.templatetags.plots import range_of
from executions.templatetags.runs import megabytes
from jobs.models import Job
from jobs.templatetags.timing import duration

register = template.Library()


@dataclass(frozen=True)
class Row:
    """One quantity, in words. `range` is empty while it is learned; `is_on`: whether unusual runs are told."""

    label: str
    count: int
    needed: int
    is_on: bool
    median: str = ""
    range: str = ""


@dataclass(frozen=True)
class Figures:
    """The figures themselves for the drawings, None where nothing was measured, and as rows for people."""

    duration: Usual | None
    memory: Usual | None
    rows: list[Row] = field(default_factory=list)


@register.simple_tag
def usual_of(job: Job, runs: Sequence[Past]) -> Figures:
    """Out of the newest runs of a job: the median of the good ones, and between which bounds a run tells nobody."""
    known = [
        unusual.Run(number, run.state == State.SUCCESS and run.attempt == 1, run.duration, run.peak_memory)
        for number, run in enumerate(runs)
    ]
    found = unusual.figures(known)
    return Figures(found.get("duration"), found.get("memory"), list(_rows(job, found)))


def _rows(job: Job, found: dict[What, Usual]) -> Iterator[Row]:
    on: dict[What, bool] = {"duration": job.baseline_duration, "memory": job.baseline_memory}
    for what, is_on in on.items():
        label, usual = _("Duration") if what == "duration" else _("Peak memory"), found.get(what)
        if usual and not usual.is_learning:
            said = duration if what == "duration" else megabytes
            yield Row(label, usual.count, LEARNING, is_on, said(usual.median), range_of(usual, said))
        elif usual or is_on:
            yield Row(label, usual.count if usual else 0, LEARNING, is_on)
