"""Drawings of what runs needed: `{% load plots %}`. Each has a title, and says in words what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _

from executions.alerting.baseline import Usual
from executions.models import Measurement
from executions.monitoring.job_health import Past
from executions.pages import charts
from executions.templatetags.runs import megabytes
from jobs.templatetags.timing import duration, minute

register = template.Library()
PLOT = "executions/_plot.html"


@register.inclusion_tag(PLOT)
def memory_plot(measurement: Measurement) -> dict[str, Any]:
    """The memory of an attempt over its time."""
    points = [(seconds, memory) for seconds, memory, _cpu in measurement.points]
    return _over_time(_("Memory"), points, megabytes)


@register.inclusion_tag(PLOT)
def load_plot(measurement: Measurement) -> dict[str, Any]:
    """How many percent of a processor an attempt used over its time."""
    return _over_time(_("CPU, percent of one core"), charts.load(measurement.points), _percent)


@register.inclusion_tag(PLOT)
def duration_plot(runs: Sequence[Past], zone: str, usual: Usual | None = None) -> dict[str, Any]:
    return _of_runs(_("Duration"), runs, zone, lambda run: run.duration, duration, usual)


@register.inclusion_tag(PLOT)
def peak_memory_plot(runs: Sequence[Past], zone: str, usual: Usual | None = None) -> dict[str, Any]:
    return _of_runs(_("Peak memory"), runs, zone, lambda run: run.peak_memory, megabytes, usual)


@register.filter
def measured(runs: Sequence[Past]) -> list[Past]:
    """Those that took a time which is known."""
    return [run for run in runs if run.duration is not None]


@register.filter
def any_memory(runs: Sequence[Past]) -> bool:
    return any(run.peak_memory for run in runs)


def _over_time(title: str, points: list[tuple[float, float]], label: charts.Label) -> dict[str, Any]:
    if len(points) < 2:
        return {}
    values = [value for _seconds, value in points]
    words = _("%(first)s at first, %(most)s at most, %(last)s at last, over %(time)s") % {
        "first": label(values[0]),
        "most": label(max(values)),
        "last": label(values[-1]),
        "time": duration(points[-1][0]),
    }
    return _context(title, words, charts.over_time(points, label, _seconds))


def _of_runs(
    title: str,
    runs: Sequence[Past],
    zone: str,
    value: Callable[[Past], float | None],
    label: charts.Label,
    usual: Usual | None,
) -> dict[str, Any]:
    """With a band behind the columns where it is known what is usual."""
    values = [number for run in runs if (number := value(run)) is not None]
    if not values:
        return {}
    words = _("the last %(count)s runs: %(least)s to %(most)s, of the latest %(last)s") % {
        "count": len(values),
        "least": label(min(values)),
        "most": label(max(values)),
        "last": label(values[0]),
    }
    known = (usual.low, usual.high) if usual and not usual.is_learning else None
    if usual and known:
        words = _("%(words)s; usual: %(range)s") % {"words": words, "range": range_of(usual, label)}
    plot = charts.of_runs(runs, value, label, known, lambda run: minute(run.due_at, zone))
    return _context(title, words, plot) | {"zone": zone}


def range_of(usual: Usual, label: charts.Label) -> str:
    """Between which values a run tells nobody, in words."""
    if usual.low > 0:
        return _("%(low)s to %(high)s") % {"low": label(usual.low), "high": label(usual.high)}
    return _("up to %(high)s") % {"high": label(usual.high)}


def _context(title: str, words: str, plot: charts.Plot) -> dict[str, Any]:
    box = f"0 0 {charts.PLOT_WIDTH} {charts.PLOT_HEIGHT}"
    return {"title": title, "words": words, "plot": plot, "box": box, "frame": charts}


def _percent(value: float) -> str:
    return f"{value:.0f} %"


def _seconds(value: float) -> str:
    """Where there is little room: `0 s`, `0.5 s`, `2 min`."""
    return _("%(count)s s") % {"count": f"{value:g}"} if value < 60 else duration(value)
