"""The dashboard: what needs attention, what runs, what is next, and the last day in quarters of an hour."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.db.models import Case, Value, When
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.models import User
from accounts.pages.request import PageRequest
from accounts.pages.time_zone import zone_of_reader
from accounts.readers import ForReader
from accounts.roles import home_category
from executions.models import Execution, State
from executions.monitoring import figures, health, recent_runs
from executions.monitoring.recent_runs import Recent
from executions.pages import charts, first_steps
from incidents.models import Incident
from jobs.models import Job
from jobs.schedule_text.moments import Moments
from scheduler_site.lib import clock
from scheduler_site.lib.cache import TTLCache

# Rows in a list of it; so many incidents are put together, and so many last results are drawn.
SHORT, INCIDENTS, RESULTS = 10, 200, 10
# Of jobs without an owner so many are named; who leaves is no matter of seconds, and counting reads all jobs.
NAMED, OWNERS_SECONDS = 3, 15.0


class Next(NamedTuple):
    """A job that runs soon."""

    pk: int
    uid: uuid.UUID
    name: str
    next_run_at: dt.datetime


class Broken(NamedTuple):
    """A job whose schedule is invalid."""

    uid: uuid.UUID
    name: str
    quarantine_reason: str


@dataclass
class Problem:
    """What is open of one job, or of one part of the system; the newest incident first."""

    incidents: list[Incident]
    runs: Recent | None = None
    pk: int = 0

    @property
    def newest(self) -> Incident:
        return self.incidents[0]

    @property
    def count(self) -> int:
        return max(incident.count for incident in self.incidents)


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
    context["first_steps"] = first_steps.steps(request)
    response = render(request, "executions/dashboard.html", context)
    if not context["first_steps"]:
        first_steps.remember(request, response)
    return response


def _live(request: PageRequest, _moments: Moments) -> dict[str, Any]:
    rows = Execution.objects.visible_to(request.user)
    shown = rows.only(
        "uid", "job_name", "state", "started_at", "due_at", "stop_requested_at", "suspended_at", "exit_code"
    )
    running = list(shown.running().order_by("started_at")[:SHORT])
    found = [Next(*row) for row in _next(request.user)]
    return {
        "problems": problems(request.user),
        "running": running,
        "running_count": rows.running().count() if len(running) == SHORT else len(running),
        "waiting_count": _waiting.count(request.user),
        "next": found,
        "broken": [Broken(*row) for row in _broken(request.user)],
        "any_job": bool(found) or Job.objects.visible_to(request.user).exists(),
        "ownerless": ownerless() if request.user.has_perm("jobs.change_all_jobs") else None,
    }


_waiting = ForReader(
    lambda user: Execution.objects.visible_to(user).filter(state=State.QUEUED).order_by().values_list("pk")
)
_next = ForReader(
    lambda user: (
        Job.objects.visible_to(user)
        .filter(next_run_at__isnull=False)
        .order_by("next_run_at")
        .values_list(*Next._fields)[:SHORT]
    )
)
_broken = ForReader(
    lambda user: (
        Job.objects.visible_to(user)
        .exclude(quarantine_reason="")
        .order_by("name")
        .values_list(*Broken._fields)[:SHORT]
    )
)


def _count_ownerless() -> tuple[int, list[str]]:
    """The number of jobs without an active owner, and the names of the first."""
    rows = Job.objects.without_owner()
    named = list(rows.order_by("name").values_list("name", flat=True)[: NAMED + 1])
    return len(named) if len(named) <= NAMED else rows.count(), named[:NAMED]


ownerless = TTLCache(_count_ownerless, OWNERS_SECONDS)


def problems(user: User) -> list[Problem]:
    """The open incidents, one line for each job: what nobody has acknowledged comes first, the newest of it on top."""
    rows = Incident.objects.visible_to(user).open().select_related("assignee", "acknowledged_by")
    waiting = Case(When(state=Incident.State.OPEN, then=Value(0)), default=Value(1))
    found: dict[str, Problem] = {}
    for incident in rows.order_by(waiting, "-last_at", "-id")[:INCIDENTS]:
        found.setdefault(incident.subject, Problem([])).incidents.append(incident)
    shown = list(found.values())[:SHORT]
    _add_runs(shown, user)
    return shown


def _add_runs(shown: list[Problem], user: User) -> None:
    uids = [problem.newest.job_uid for problem in shown if problem.newest.job_uid]
    keys = dict(Job.objects.filter(uid__in=uids).order_by().values_list("uid", "pk")) if uids else {}
    last = recent_runs.of_jobs(list(keys.values()), user, RESULTS)
    for problem in shown:
        problem.pk = keys.get(problem.newest.job_uid, 0) if problem.newest.job_uid else 0
        problem.runs = last.get(problem.pk)


def _chart(request: PageRequest, moments: Moments) -> dict[str, Any]:
    user = request.user
    chart = charts.last_quarters(Execution.objects.visible_to(user), moments.now, home_category(user))
    return {"chart": chart}


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
