"""Small drawings of lists, and moments in the zone of a page: `{% load dots %}`."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from executions.models import State
from executions.monitoring import recent_runs
from executions.monitoring.recent_runs import WARNED, Recent
from executions.pages import charts
from executions.pages.charts import group_of
from executions.templatetags.runs import job_badge
from jobs.pages.rows import Row
from jobs.schedule_text.moments import Moments
from scheduler_site.lib.text import enumerated

register = template.Library()

COUNT, STEP, MIDDLE = 10, 11, 8
# Told apart by their shape as well: a dot, a bar, a dash, a ring, an arrow head.
_MARKS = {"success": "h0", "bad": "v0m0-5v10", "other": "m-2.5 0h5", "open": "h0", WARNED: "m-3 3l3-6l3 6"}
_LABELS: dict[str, Any] = {state.value: state.label for state in State} | {
    WARNED: gettext_lazy("succeeded with a warning")
}


@register.simple_tag
def last_results(rows: Sequence[Row], user: User, moments: Moments) -> list[SafeString]:
    """The last ten results of each job of a list, drawn; one statement."""
    found, same = recent_runs.of_jobs([row.pk for row in rows], user, COUNT), _Drawings()
    return [_dots(found.get(row.pk), row.pk, moments, same) for row in rows]


@register.simple_tag
def dots_of(found: Recent | None, key: int, moments: Moments) -> SafeString:
    return _dots(found, key, moments, _Drawings())


@register.simple_tag
def next_runs(rows: Iterable[Row]) -> list[SafeString | str]:
    """When each job of a list runs next; of one that does not, its state and why."""
    return [
        row.next or format_html('{} <span class="soft">{}</span>', job_badge(row.state), row.note)
        for row in rows
    ]


class _Drawings(dict[tuple[str, ...], tuple[str, str, str]]):
    """Results that are alike are drawn once in a list: the paths, the newest state in words, and how many there are of each."""

    def __init__(self) -> None:
        super().__init__()
        # Of the list: the page of each run is below it.
        self.base = reverse("executions")

    def __missing__(self, states: tuple[str, ...]) -> tuple[str, str, str]:
        paths: dict[str, str] = {}
        for place, state in enumerate(states):
            group = WARNED if state == WARNED else group_of(state)
            x = (COUNT - 1 - place) * STEP + 6
            paths[group] = f"{paths.get(group, '')}M{x} {MIDDLE}{_MARKS[group]}"
        drawn = "".join(f'<path class="dot-{group}" d="{path}"/>' for group, path in paths.items())
        words = enumerated(f"{count} {_LABELS[state]}" for state, count in Counter(states).most_common())
        self[states] = drawn, str(_LABELS[states[0]]), words
        return self[states]


def _dots(found: Recent | None, key: int, moments: Moments, drawings: _Drawings) -> SafeString:
    """One path for each kind of result, the newest at the right; a link to the newest run. In words for who hears the page."""
    if not found:
        return format_html('<span class="soft">{}</span>', _("no runs yet"))
    drawn, newest, counts = drawings[tuple(found.states)]
    words = escape(
        _("Last run %(time)s: %(state)s. Last %(count)s: %(words)s")
        % {
            "time": moments.distance(found.due_at),
            "state": newest,
            "count": len(found.states),
            "words": counts,
        }
    )
    width = COUNT * STEP
    return mark_safe(  # noqa: S308 - texts are escaped above, the rest is numbers
        f'<a class="dots" id="dots-{key}" href="{drawings.base}/{found.uid}" title="{words}">'
        f'<svg viewBox="0 0 {width} 16" aria-hidden="true">{drawn}</svg>'
        f'<span class="sr">{words}</span></a>'
    )


@register.simple_tag
def moment_of(moments: Moments, value: dt.datetime | None) -> SafeString:
    """How far away, and when, in the zone of the page."""
    return moments.both(value)


@register.simple_tag
def bars(chart: charts.Chart, moments: Moments) -> SafeString:
    """A bar for each quarter of an hour, which leads to its runs; hours below them. Read as a table by who hears the page."""
    base, parts = reverse("executions"), []
    width = len(chart.columns)
    for x, column in enumerate(chart.columns):
        if not column.total:
            continue
        drawn = "".join(
            f'<rect class="bar-{part.group}" x="{x}.1" y="{part.y:.2f}" width=".8" height="{part.height:.2f}"/>'
            for part in column.parts
        )
        title = escape(f"{moments.day(column.begin)}: {column.total}")
        href = f"{base}?{escape(column.query)}"
        parts.append(
            f'<a href="{href}" tabindex="-1"><title>{title}</title>'
            f'<rect class="hover" x="{x}" y="0" width="1" height="100"/>{drawn}</a>'
        )
    now = escape(_("now"))
    hours = "".join(
        f"<span>{moments.clock(column.begin)}</span>" for column in chart.columns[:: width // 8 or 1]
    )
    return mark_safe(  # noqa: S308 - texts are escaped above, the rest is numbers
        f'<svg viewBox="0 0 {width} 100" preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'
        f'<div class="hours soft" aria-hidden="true">{hours}<span>{now}</span></div>'
    )


@register.simple_tag
def quarters(chart: charts.Chart, moments: Moments) -> SafeString:
    """The rows of the same as a table, the newest first. Made here, as they are up to a hundred in each answer."""
    base = reverse("executions")
    return mark_safe(  # noqa: S308 - texts are escaped, the rest is numbers
        "".join(
            f'<tr><th scope="row"><a href="{base}?{escape(column.query)}">{moments.when(column.begin)}</a></th>'
            + "".join(f'<td class="number">{column.counts[group]}</td>' for group in charts.GROUPS)
            + "</tr>"
            for column in reversed(chart.columns)
            if column.total
        )
    )
