"""Runs on the pages of jobs, whose code knows nothing of them: `{% load runs %}`."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from django import template
from django.db.models import OuterRef, Q, Subquery
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from audit.models import Entry
from executions.ledger.limits import concurrency, holds
from executions.models import Execution, Reason, State
from executions.pages import charts
from jobs.models import Job
from jobs.runners.github_actions.request import safe_link
from jobs.templatetags.icons import icon
from scheduler_site.lib.text import enumerated

register = template.Library()

STOPPING = gettext_noop("cancelling")
SUSPENDED = gettext_noop("suspended")
WARNED = gettext_noop("succeeded, exit code %(code)s")
JOB_STATES = {
    "broken": gettext_noop("invalid schedule"),
    "suspended": gettext_noop("code suspended"),
    "paused": gettext_noop("paused"),
    "ended": gettext_noop("ended"),
    "manual": gettext_noop("manual"),
    "active": gettext_noop("active"),
}
CHECK_WORDS = {
    "oldest due": gettext_noop("scheduler lag"),
    "oldest queued": gettext_noop("queue wait"),
    "silent": gettext_noop("not responding"),
    "does not answer": gettext_noop("not responding"),
    "none is running": gettext_noop("not running"),
    "waits too long": gettext_noop("too long"),
}
SPARK_RUNS = 20
SPARK = (
    '<svg class="spark" viewBox="0 0 100 24" role="img" aria-label="{}"><title>{}</title>'
    '<line class="axis" x1="0" x2="100" y1="12" y2="12"/>{}</svg>'
)


class Drawn(NamedTuple):
    """What a sparkline needs of a run."""

    pk: int
    state: str
    duration: float | None


class LastRuns(NamedTuple):
    newest: Execution | None
    drawn: list[Drawn]


@register.simple_tag
def state_badge(execution: Execution) -> SafeString:
    if execution.is_suspended:
        return format_html('<span class="badge suspended">{}{}</span>', icon("paused"), _(SUSPENDED))
    if execution.has_warning:
        text = _(WARNED) % {"code": execution.exit_code}
        return format_html('<span class="badge warning">{}{}</span>', icon("warning"), text)
    label = _(STOPPING) if execution.is_stopping else execution.get_state_display()
    return badge(execution.state, label)


@register.simple_tag
def what_it_waits_for(execution: Execution) -> str:
    """Why a queued run has not started; empty where it waits for a worker only."""
    job = None if execution.exempt or execution.state != State.QUEUED else execution.job
    hold = holds.of(job) if job else None
    return holds.described(hold) if hold else concurrency.described(execution)


@register.simple_tag
def why_not_run(execution: Execution) -> str:
    """Why a stretch of due times was not run, and by whose will."""
    who = execution.requested_by
    if who and execution.reason == Reason.PAUSED:
        return _("paused by %(who)s") % {"who": who}
    if who and execution.reason == Reason.HELD:
        return _("all starts were held by %(who)s") % {"who": who}
    return str(execution.get_reason_display())


@register.simple_tag
def why_ended(execution: Execution) -> str:
    """The reason of a run's state as a sentence; a run that was cancelled manually names who cancelled it."""
    if execution.reason == Reason.STOPPED and (who := _cancelled_by(execution)):
        return _("Cancelled by %(who)s") % {"who": who}
    return capfirst(execution.get_reason_display())


def _cancelled_by(execution: Execution) -> str:
    entries = Entry.objects.filter(object_type="execution", object_id=execution.pk, event=Entry.Event.STOPPED)
    return entries.order_by("id").values_list("actor_name", flat=True).first() or ""


@register.simple_tag
def once_key() -> SafeString:
    """Part of a form that runs a job: sent twice, the form runs it once."""
    return format_html('<input type="hidden" name="key" value="{}">', secrets.token_urlsafe(16))


@register.simple_tag
def badge(state: str, label: str = "") -> SafeString:
    """An icon and a word, so that the colour is never the only sign."""
    return format_html('<span class="badge {}">{}{}</span>', state, icon(state), label or State(state).label)


@register.simple_tag
def job_badge(state: str) -> SafeString:
    return badge(state, _(JOB_STATES[state]))


@register.simple_tag
def last_runs(jobs: Sequence[Job], user: User) -> dict[int, LastRuns]:
    """The last 20 rows of each job, newest first.

    Three statements, whatever the length of the ledger: where the twentieth row of each job lies, what is newer, and
    the newest.
    """
    visible = Execution.objects.visible_to(user)
    twentieth = visible.filter(job=OuterRef("pk")).order_by("-due_at", "-id").values("due_at")
    edges = Job.objects.filter(pk__in=[job.pk for job in jobs]).annotate(
        edge=Subquery(twentieth[SPARK_RUNS - 1 : SPARK_RUNS])
    )
    newer = Q(pk__in=[])
    for pk, edge in edges.values_list("pk", "edge"):
        newer |= Q(job_id=pk, due_at__gte=edge) if edge else Q(job_id=pk)
    rows = visible.filter(newer).order_by("-due_at", "-id").values_list("job_id", "pk", "state", "duration")
    found: dict[int, list[Drawn]] = {job.pk: [] for job in jobs}
    for job, pk, state, duration in rows:
        if len(found[job or 0]) < SPARK_RUNS:
            found[job or 0].append(Drawn(pk, state, duration))
    shown = visible.only("job_id", "uid", "state", "due_at", "exit_code", "stop_requested_at", "suspended_at")
    newest = shown.in_bulk([drawn[0].pk for drawn in found.values() if drawn])
    return {pk: LastRuns(newest.get(drawn[0].pk) if drawn else None, drawn) for pk, drawn in found.items()}


@register.simple_tag
def open_runs(job: Job) -> int:
    """How many runs of it wait or go on."""
    return job.executions.open().count()


@register.filter
def of_job(runs: dict[int, LastRuns], job: Job) -> LastRuns:
    return runs.get(job.pk) or LastRuns(None, [])


@register.simple_tag
def sparkline(runs: Sequence[charts.Measured]) -> SafeString:
    """Up: went well, down: went badly, a tick: did not run. One path for each state, since a list has many of these."""
    counts = Counter(run.state for run in runs)
    words = enumerated(f"{count} {State(state).label}" for state, count in counts.most_common())
    told = _("Last %(count)s: %(words)s") % {"count": len(runs), "words": words}
    paths = format_html_join("", '<path class="bar-{}" d="{}"/>', charts.spark_paths(runs).items())
    return format_html(SPARK, told, told, paths)


@register.filter
def check_word(text: str) -> str:
    """The name or the detail of a health check as pages show it; the API keeps its own words."""
    return _(CHECK_WORDS.get(text, text))


@register.filter
def state_label(state: str) -> str:
    return State(state).label.capitalize()


@register.filter
def workflow_url(execution: Execution) -> str:
    """The page of the workflow run that a GitHub job became; empty where there is none that may be linked."""
    if execution.kind != Job.Kind.GITHUB_ACTIONS:
        return ""
    try:
        result = json.loads(execution.result)
    except ValueError:
        return ""
    return safe_link(result.get("html_url")) if isinstance(result, dict) else ""


@register.filter
def megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:.1f} MB"
