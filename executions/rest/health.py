"""`GET /health`: how the system is, for anybody; the details are for administrators."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Annotated, Literal, NotRequired, TypedDict

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, InterfaceError
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from accounts.models import User
from executions.monitoring import figures, health
from scheduler_site.lib import clock
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.query import moment
from scheduler_site.rest.schema_types import Moment, Rules, Warnings, one_of
from scheduler_site.rest.views import ApiView

Seconds = Annotated[float, "Seconds since it gave a sign of life, or since something waits."]


class CheckJson(TypedDict):
    """One thing that must be well."""

    name: Annotated[str, "What."]
    ok: Annotated[bool, "Whether it is well."]
    detail: Annotated[str, "What is wrong."]
    age: Annotated[float | None, "Seconds since it gave a sign of life, or since something waits."]


class FiguresJson(TypedDict):
    """What the system is judged by."""

    oldest_due_seconds: Annotated[float, "For how long the oldest due time has not been looked at."]
    oldest_queued_seconds: Annotated[float, "For how long the oldest run has waited for a worker."]
    open_runs: Annotated[int, "Runs that have not ended."]
    open_runs_by_state: Annotated[
        dict[str, Annotated[int, "How many."]], "The same by running, queued, held and retrying."
    ]
    lost_24h: Annotated[int, "Runs given up in the last 24 hours."]
    missed_24h: Annotated[int, "Due times missed in the last 24 hours."]
    skipped_24h: Annotated[int, "Due times skipped in the last 24 hours."]
    undelivered_alerts: Annotated[int, "Alerts that people should have and do not have."]


class ProcessJson(TypedDict):
    """A process."""

    role: Annotated[str, "What it does."]
    name: Annotated[str, "Its name."]
    age: Seconds
    alive: Annotated[bool, "Whether that is recent."]
    tzdata: Annotated[str, "The release of the time zone rules that it came with."]
    clock_ahead: Annotated[float, "Seconds by which its host's clock is ahead of the database's."]


class HealthJson(TypedDict):
    """How the system is; checks, figures and processes are told to administrators."""

    status: Annotated[str, "The verdict.", one_of(["healthy", "degraded"])]
    scheduler_running: Annotated[bool, "Whether a scheduler is alive."]
    scheduled_jobs_count: Annotated[int, "How many jobs have a next due time."]
    service: Literal["belfry"]
    version: Annotated[str, "The version that answers."]
    api: Literal["v2"]
    docs_url: Annotated[str, "The page that describes the API.", Rules(examples=["/docs"])]
    timestamp: Annotated[Moment, "The time of the server."]
    checks: NotRequired[Annotated[list[CheckJson], "What was looked at."]]
    figures: NotRequired[FiguresJson]
    processes: NotRequired[Annotated[list[ProcessJson], "Who gave a sign of life."]]
    warnings: NotRequired[Warnings]


class HealthView(ApiView):
    permission_classes = (AllowAny,)

    def perform_authentication(self, request: Request) -> None:
        """Whatever is wrong with the caller's credentials, or with the database that knows them: health is public."""
        try:
            super().perform_authentication(request)
        except (APIException, DatabaseError, InterfaceError):
            request.user = AnonymousUser()

    @route("get_health", "It is.", {503: ("It is not.", HealthJson)})
    def get(self, request: Request) -> Answer[HealthJson]:
        """Is everything well?"""
        report = health.recent()
        body: HealthJson = {
            "status": report.status,
            "scheduler_running": report.scheduler_running,
            "scheduled_jobs_count": report.scheduled_jobs_count,
            "service": "belfry",
            "version": settings.VERSION,
            "api": "v2",
            "docs_url": f"{settings.BASE_PATH}/docs",
            "timestamp": moment(clock.shown()),
        }
        if isinstance(request.user, User) and request.user.has_perm("executions.view_system"):
            body["checks"] = [
                {"name": check.name, "ok": check.ok, "detail": check.told, "age": check.age}
                for check in report.checks
            ]
            # The checks say that it is away.
            with contextlib.suppress(DatabaseError, InterfaceError, OSError):
                found = figures.current()
                body["figures"], body["processes"] = figures_json(found), processes_json(found)
        return Answer(body, status=200 if report.status == "healthy" else 503)


def figures_json(found: figures.Figures) -> FiguresJson:
    """Seconds and counts."""
    return {
        "oldest_due_seconds": round(found.oldest_due, 3),
        "oldest_queued_seconds": round(found.oldest_queued, 3),
        "open_runs": found.open.total,
        "open_runs_by_state": asdict(found.open),
        "lost_24h": found.noticed["lost"],
        "missed_24h": found.noticed["missed"],
        "skipped_24h": found.noticed["skipped"],
        "undelivered_alerts": found.undelivered,
    }


def processes_json(found: figures.Figures) -> list[ProcessJson]:
    """Who gave a sign of life how many seconds ago."""
    return [
        {
            "role": one.role,
            "name": one.name,
            "age": round(one.age, 3),
            "alive": one.alive,
            "tzdata": one.tzdata,
            "clock_ahead": round(one.ahead, 3),
        }
        for one in found.processes
    ]
