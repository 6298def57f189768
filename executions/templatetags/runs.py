"""Runs on the pages of jobs, whose code knows nothing of them: `{% load runs %}`."""

from __future__ import annotations

import json
import secrets

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit.models import Entry
from executions.ledger.limits import concurrency, holds
from executions.models import Execution, Reason, State
from jobs.models import Job
from jobs.runners.github_actions.request import safe_link
from jobs.templatetags.icons import icon

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
def open_runs(job: Job) -> int:
    """How many runs of it wait or go on."""
    return job.executions.open().count()


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
