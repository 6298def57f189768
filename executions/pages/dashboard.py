"""The dashboard: what needs attention, what runs, what is next, and the last day in quarters of an hour."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.models import User
from accounts.pages.request import PageRequest
from executions.models import BAD, OPEN, Execution, ExecutionQuerySet, State
from executions.monitoring import figures, health, recent
from executions.monitoring.recent import Recent
from executions.pages import charts
from jobs.models import Job
from jobs.pages.zone import zone_of_reader
from jobs.schedule_text.moments import Moments
from scheduler_site.lib import clock

# Rows in a list of it; so many failures of a day are put together, and so many last results tell whether it is over.
SHORT, FAILURES, RESULTS = 10, 500, 10
DAY = dt.timedelta(days=1)


@dataclass
class Problem:
    """A job whose last run did not go well: how often in a day, since when, and what it said last."""

    pk: int
    name: str
    job_uid: str
    newest: Execution
    count: int = 0
    since: dt.datetime | None = None
    runs: list[Recent] = field(default_factory=list)


@login_required
@require_GET
@vary_on_headers("HX-Target")
def dashboard(request: PageRequest) -> HttpResponse:
    """The whole page, or the live part that asks for itself again."""
    parts = {"live": _live, "chart": _chart, "health": _health}
    moments = Moments(zone_of_reader(request), clock.shown())
    context: dict[str, Any] = {"moments": moments}
    if request.htmx and request.htmx.target in parts:
        context |= parts[request.htmx.target](request, moments)
        return render(request, f"executions/_{request.htmx.target}.html", context)
    for part in parts.values():
        context |= part(request, moments)
    return render(request, "executions/dashboard.html", context)


def _live(request: PageRequest, moments: Moments) -> dict[str, Any]:
    rows, jobs = Execution.objects.visible_to(request.user), Job.objects.visible_to(request.user)
    shown = rows.only(
        "uid", "job_name", "state", "started_at", "due_at", "stop_requested_at", "suspended_at", "exit_code"
    )
    running = list(shown.running().order_by("started_at")[:SHORT])
    upcoming = jobs.filter(next_run_at__isnull=False).only("uid", "name", "next_run_at")
    found = list(upcoming.order_by("next_run_at")[:SHORT])
    return {
        "problems": problems(rows, request.user, moments.now)[:SHORT],
        "running": running,
        "running_count": rows.running().count() if len(running) == SHORT else len(running),
        "waiting_count": rows.filter(state=State.QUEUED).count(),
        "next": found,
        "broken": list(jobs.exclude(broken="").only("uid", "name", "broken").order_by("name")[:SHORT]),
        "any_job": bool(found) or jobs.exists(),
    }


def problems(rows: ExecutionQuerySet, user: User, now: dt.datetime) -> list[Problem]:
    """One for each job that failed in the last day and has not recovered since, the newest first."""
    bad = rows.filter(state__in=BAD, due_at__gte=now - DAY).order_by("-due_at", "-id")
    shown = bad.only(
        "uid", "job_id", "job_name", "job_uid", "state", "due_at", "error", "reason", "exit_code"
    )
    found: dict[int, Problem] = {}
    for run in shown[:FAILURES]:
        if run.job_id is None:
            continue
        problem = found.setdefault(run.job_id, Problem(run.job_id, run.job_name, str(run.job_uid), run))
        problem.count += 1
        problem.since = run.due_at
    last = recent.of_jobs(list(found), user, RESULTS)
    for problem in found.values():
        problem.runs = last.get(problem.pk, [])
    return [problem for problem in found.values() if not _is_over(problem.runs)]


def _is_over(runs: list[Recent]) -> bool:
    """Whether the last run that says anything went well: what goes on, or was left out, says nothing."""
    told = (run.state for run in runs if run.state not in (*OPEN, State.SKIPPED))
    return next(told, State.SUCCESS) not in BAD


def _chart(request: PageRequest, moments: Moments) -> dict[str, Any]:
    return {"chart": charts.last_quarters(Execution.objects.visible_to(request.user), moments.now)}


def _health(request: PageRequest, _moments: Moments) -> dict[str, Any]:
    """The figures count what all people's jobs did, and `where` names hosts and categories: both are for administrators."""
    report = health.report()
    all_of_it = request.user.has_perm("executions.view_system")
    if not all_of_it:
        report.checks = [replace(check, where="") for check in report.checks]
    return {
        "health": report,
        "figures": figures.current() if all_of_it else None,
        "trouble": [check for check in report.checks if not check.ok],
    }
