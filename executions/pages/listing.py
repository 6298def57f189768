"""The list of executions: filters with times, and rows that are worked out in one pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.pages.request import PageRequest
from executions.models import Execution
from executions.pages.page_filters import PRESETS, ExecutionFilter, page_of
from executions.templatetags.runs import badge, state_badge
from jobs.schedule_text.moments import Moments
from jobs.templatetags.timing import duration
from scheduler_site.lib import clock

# All that a row shows; the rest of it is large.
COLUMNS = (
    *("uid", "job_id", "job_name", "due_at", "state", "trigger", "duration", "reason", "error", "slots"),
    *("response_status", "exit_code", "stop_requested_at", "suspended_at", "start_before"),
)
LONGEST = 90


@dataclass(frozen=True, slots=True)
class Row:
    """A run in a line."""

    uid: str
    url: str
    badge: SafeString
    name: str
    deleted: SafeString | str
    due: SafeString | str
    trigger: str
    duration: str
    result: str


def rows_of(runs: Iterable[Execution], due: Callable[[dt.datetime], SafeString | str]) -> list[Row]:
    """`due` says when one was due."""
    base = reverse("executions")
    badges: dict[tuple[Any, ...], SafeString] = {}
    return [_row(run, base, badges, due(run.due_at)) for run in runs]


def _row(run: Execution, base: str, badges: dict[tuple[Any, ...], SafeString], due: SafeString | str) -> Row:
    alike = (run.state, run.is_stopping, run.is_suspended, run.has_warning and run.exit_code)
    if alike not in badges:
        badges[alike] = state_badge(run) if any(alike[1:]) else badge(run.state)
    return Row(
        str(run.uid),
        f"{base}/{run.uid}",
        badges[alike],
        run.job_name,
        "" if run.job_id else format_html(' <span class="soft">{}</span>', _("deleted")),
        due,
        str(run.get_trigger_display()),
        duration(run.duration),
        _result(run),
    )


def _result(run: Execution) -> str:
    """What it ended with, in one line."""
    told = _ended_with(run)
    if run.slots > 1:
        return " ".join((_("%(count)s due times:") % {"count": run.slots}, told))
    return told


def _ended_with(run: Execution) -> str:
    error = Truncator(run.error).chars(LONGEST) if run.error else ""
    if run.is_stretch:
        reason = str(run.get_reason_display())
        return f"{reason}: {error}" if error else reason
    if error:
        return error
    if run.reason:
        return str(run.get_reason_display())
    if run.response_status:
        return f"HTTP {run.response_status}"
    return "" if run.exit_code is None else _("exit code %(code)s") % {"code": run.exit_code}


@login_required
@require_GET
def executions(request: PageRequest) -> HttpResponse:
    visible = Execution.objects.visible_to(request.user).only(*COLUMNS)
    found = ExecutionFilter(request.GET, queryset=visible, request=request)
    try:
        page = page_of(found.qs, request.GET.get("before", ""), request.GET.get("after", ""))
    except ValueError as error:
        raise Http404(_("There is no such page.")) from error
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    moments = Moments(found.zone, clock.shown())
    context = {
        "filter": found,
        "page": page,
        "rows": rows_of(page.rows, moments.both),
        "query": query.urlencode(),
        "job": found.of_job,
        "zone": found.zone,
        "presets": [(name, label, name == request.GET.get("last")) for name, label in PRESETS],
        "narrowed": any(query.values()),
    }
    return render(request, "executions/list.html", context)
