"""The page of one run, the growth of its log, and its log as a file."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import mark_safe
from django.utils.text import capfirst
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.pages.request import PageRequest
from accounts.pages.time_zone import zone_of_reader
from executions.alerting.cause import FAILED, Cause, cause
from executions.ledger import downstream
from executions.models import Execution
from executions.monitoring import logs
from executions.pages import log_view, run_details, timeline
from incidents.models import Incident
from jobs.pages.helpers import asked_of, may_change
from jobs.templatetags.timing import zone_of
from scheduler_site.lib import ansi, clock


@login_required
@require_GET
@vary_on_headers("HX-Target")
def execution(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = visible(request, uid)
    asked = log_view.asked(found, request.GET)
    context = _state(request, found)
    if request.htmx and request.htmx.target == "state":
        # What is known only at the end is asked for then.
        answer = render(request, "executions/_state.html", context)
        if not found.is_open:
            answer.headers["HX-Trigger"] = "run-ended"
        return answer
    context |= run_details.of(found, None if asked.newest else asked.attempt)
    if request.htmx and request.htmx.target == "evidence":
        return render(request, "executions/_evidence.html", context)
    context |= run_details.context(found) | {"log": log_view.view(found, asked)}
    return render(request, "executions/execution.html", context)


@login_required
@require_GET
def output(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """What was written since the chunk `after`, in place of the last line; 204 where nothing was."""
    found, query = visible(request, uid), request.GET
    asked, last = log_view.asked(found, query), log_view.number(query.get("after", ""))
    follows = query.get("newest") == "1"
    style = ansi.styled(ansi.USUAL, query.get("style", "")[:200])
    piece = logs.after(found, asked.attempt, last, log_view.number(query.get("line", "")) or 1)
    nothing = piece is not None and piece.last == last
    if piece is None or (nothing and follows and asked.attempt < found.attempt):
        return _anew(request, found, asked, follows)
    if nothing and found.is_open and asked.attempt == max(found.attempt, 1):
        return HttpResponse(status=204)
    if nothing:
        piece = replace(piece, line=logs.open_line(found, asked.attempt, last))
    live = found.is_open and asked.attempt >= found.attempt
    lines = log_view.lines_of(piece, style)
    lines.html.append(log_view.last_line(found, asked, piece, lines.style, live=live))
    return HttpResponse(mark_safe("".join(lines.html)))  # noqa: S308 - each line is escaped where it is made


def _anew(request: PageRequest, found: Execution, asked: log_view.LogQuery, follows: bool) -> HttpResponse:
    """The end of the log in place of all lines: of the next attempt, or where more was written than is shown at once."""
    asked = log_view.asked(found, {} if follows else {"attempt": str(asked.attempt)})
    context = {"execution": found, "log": log_view.view(found, asked)}
    answer = render(request, "executions/_log_lines.html", context)
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#log-lines", "outerHTML"
    return answer


@login_required
@require_GET
def log(request: PageRequest, uid: uuid.UUID) -> StreamingHttpResponse:
    """All of it, or what one attempt wrote."""
    attempt = log_view.number(request.GET.get("attempt", ""))
    return logs.file(visible(request, uid), attempt or None)


def visible(request: PageRequest, uid: uuid.UUID) -> Execution:
    rows = Execution.objects.visible_to(request.user)
    return get_object_or_404(
        rows.select_related("job__owner", "job__team", "blocked_by", "requested_by", "category", "shared"),
        uid=uid,
    )


def may_stop(request: PageRequest, found: Execution) -> bool:
    return Execution.objects.changeable_by(request.user).filter(pk=found.pk).exists()


def _state(request: PageRequest, found: Execution) -> dict[str, Any]:
    changeable = found.job is not None and may_change(request.user, found.job)
    earlier, later = _neighbours(request, found)
    return {
        "execution": found,
        "shown_zone": zone_of_reader(request, zone_of(found.job)),
        "chain": downstream.chain(found, request.user),
        "may_stop": found.is_open and may_stop(request, found),
        "may_run": changeable and request.user.has_perm("jobs.run_job"),
        "whom": asked_of(found.job) if found.job and not changeable else "",
        "may_change": changeable and request.user.has_perm("jobs.change_job"),
        "earlier": earlier,
        "later": later,
        "times": timeline.of(found, clock.now()),
        "cause": _cause(found),
        "incident": _incident(request, found),
    }


def _incident(request: PageRequest, found: Execution) -> Incident | None:
    """The open one that the failure belongs to."""
    if found.state not in FAILED or found.finished_at is None:
        return None
    rows = Incident.objects.open().visible_to(request.user).filter(open_job=found.job_uid)
    rows = rows.filter(kind__in=Incident.OF_RUNS, since__lte=found.finished_at)
    return rows.select_related("acknowledged_by").order_by("-since").first()


def _cause(found: Execution) -> Cause | None:
    """Why it failed; the reason of its state, where no error says more."""
    if found.state not in FAILED:
        return None
    known = cause(found)
    error = known.error.removesuffix(".") or (found.reason and capfirst(found.get_reason_display()))
    return replace(known, error=error)


def _neighbours(request: PageRequest, found: Execution) -> tuple[Execution | None, Execution | None]:
    """The runs of the job before and after this one, in the order of the list."""
    rows = Execution.objects.visible_to(request.user).filter(job=found.job_id)
    if found.job_id is None:
        rows = Execution.objects.visible_to(request.user).filter(job=None, job_uid=found.job_uid)
    rows = rows.only("uid", "state", "due_at", "exit_code", "stop_requested_at", "suspended_at")
    due = found.due_at
    before = rows.filter(Q(due_at__lt=due) | Q(pk__lt=found.pk), due_at__lte=due).order_by("-due_at", "-id")
    after = rows.filter(Q(due_at__gt=due) | Q(pk__gt=found.pk), due_at__gte=due).order_by("due_at", "id")
    return before.first(), after.first()
