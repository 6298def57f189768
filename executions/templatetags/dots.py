"""The last results of a job as one small drawing: `{% load dots %}`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.models import User
from executions.models import State
from executions.monitoring import recent
from executions.monitoring.recent import Recent
from executions.pages.charts import group_of
from jobs.pages.rows import Row
from jobs.schedule_text.moments import Moments
from scheduler_site.lib.text import enumerated

register = template.Library()

COUNT, STEP, MIDDLE = 10, 11, 8
# Told apart by their shape as well: a dot, a bar, a dash, a ring.
_MARKS = {"success": "h0", "bad": "v0m0-5v10", "other": "m-2.5 0h5", "open": "h0"}
_STATES = {state.value: state for state in State}


@register.simple_tag
def last_results(rows: Iterable[Row], user: User) -> dict[int, list[Recent]]:
    """The last ten rows of each job of a list, newest first; one statement."""
    return recent.of_jobs([row.pk for row in rows], user, COUNT)


@register.simple_tag
def dots(runs: dict[int, list[Recent]], row: Row, moments: Moments) -> SafeString:
    """One path for each kind of result, the newest at the right; a link to the newest run. In words for who hears the page."""
    found = runs.get(row.pk)
    if not found:
        return mark_safe(f'<span class="soft">{escape(_("no runs yet"))}</span>')  # noqa: S308
    paths: dict[str, str] = {}
    for place, run in enumerate(found):
        group = group_of(run.state)
        x = (COUNT - 1 - place) * STEP + 6
        paths[group] = f"{paths.get(group, '')}M{x} {MIDDLE}{_MARKS[group]}"
    drawn = "".join(f'<path class="dot-{group}" d="{path}"/>' for group, path in paths.items())
    words = escape(_told(found, moments))
    href = reverse("execution", args=[found[0].uid])
    width = COUNT * STEP
    return mark_safe(  # noqa: S308 - texts are escaped above, the rest is numbers
        f'<a class="dots" id="dots-{row.pk}" href="{href}" title="{words}">'
        f'<svg viewBox="0 0 {width} 16" aria-hidden="true">{drawn}</svg>'
        f'<span class="sr">{words}</span></a>'
    )


def _told(runs: list[Recent], moments: Moments) -> str:
    newest = runs[0]
    counts = Counter(run.state for run in runs)
    words = enumerated(f"{count} {_STATES[state].label}" for state, count in counts.most_common())
    return _("Last run %(time)s: %(state)s. Last %(count)s: %(words)s") % {
        "time": moments.distance(newest.due_at),
        "state": _STATES[newest.state].label,
        "count": len(runs),
        "words": words,
    }
