"""The REST routes of runs: running jobs by hand, the ledger, statistics, and the system's health."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, InterfaceError
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import account, needs
from audit.record import By
from executions.ledger import artifacts, idempotency, launch, verbs
from executions.ledger.quotas import TooMany
from executions.models import Execution, ExecutionQuerySet
from executions.monitoring import figures, health, logs, statistics
from executions.rest import api_query, schema, system_schema
from executions.rest.overrides import overrides, seconds_to_wait
from executions.rest.wire import (
    execution_json,
    figures_json,
    for_wire,
    job_statistics_json,
    moment,
    points_json,
    statistics_json,
    stored,
)
from jobs import verbs as job_verbs
from jobs.models import Job
from jobs.rest.jobs import SURFACE, changeable_job, expired, no_such_job, visible_job
from scheduler_site.lib import clock
from scheduler_site.rest.problems import Problem
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, date_range, integer


@extend_schema_view(**system_schema.HEALTH)
class HealthView(ApiView):
    """GET, for anybody: 200 when healthy, 503 when not. Checks, figures and processes are told to administrators only."""

    permission_classes = (AllowAny,)

    def perform_authentication(self, request: Request) -> None:
        """Whatever is wrong with the caller's credentials, or with the database that knows them: health is public."""
        try:
            super().perform_authentication(request)
        except (APIException, DatabaseError, InterfaceError):
            request.user = AnonymousUser()

    def get(self, request: Request) -> Response:
        report = health.report()
        body: dict[str, Any] = {
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
            with contextlib.suppress(
                DatabaseError, InterfaceError, OSError
            ):  # the checks say that it is away
                body |= figures_json(figures.current())
        return Response(body, status=200 if report.status == "healthy" else 503)


@extend_schema_view(**schema.EXECUTE)
class ExecuteView(ApiView):
    """POST: runs a job now, with overrides for this run only, and waits a while for its end.

    400, 403, 404; 409 while another run goes on, where the job's rule is to skip. A request with `Idempotency-Key` that was
    sent before is answered with its run, and `Idempotency-Replayed: true`; 409 when it says something else than before.
    """

    method_permissions = {"POST": needs("jobs.run_job")}

    def post(self, request: Request, job_id: str) -> HttpResponseBase:
        job = changeable_job(account(request), job_id)
        body = self.payload(optional=True)
        changes, seconds = overrides(job, body), seconds_to_wait(job, body, request.query_params)
        by, keyed = By.request(request, SURFACE), _keyed(request, job, body)
        try:
            run, replayed = self._run(job, by, changes, keyed)
        except TooMany as refusal:
            told = {"error": "Too many runs", "message": str(refusal)}
            raise Problem(429, told, {"Retry-After": str(refusal.seconds)}) from refusal
        except job_verbs.Refused as refusal:
            raise ApiError(409, "Job is already running", str(refusal)) from refusal
        except idempotency.KeyReused as error:
            text = "This Idempotency-Key was sent with another request before."
            raise ApiError(409, "Idempotency-Key reused", text) from error
        except Job.DoesNotExist as error:
            raise no_such_job() from error
        headers = {"Idempotency-Replayed": "true"} if replayed else None

        def answer() -> Response:
            told = {"message": "Job triggered successfully", "job_id": str(job.uid)}
            return Response(told | {"execution": stored(run)}, headers=headers)

        return self.later(request, launch.until_ended(run, 0 if run.held else seconds), answer)

    def _run(
        self, job: Job, by: By, changes: dict[str, Any], keyed: idempotency.Request | None
    ) -> tuple[Execution, bool]:
        """The run, and whether it is that of an earlier request with the same key."""
        now = clock.now()
        start = partial(launch.launch, job, by=by, overrides=changes)
        try:
            return idempotency.run(keyed, start, now) if keyed else (start(), False)
        except job_verbs.Ended as refusal:
            self._pause(job, by)
            raise expired() from refusal

    def _pause(self, job: Job, by: By) -> None:
        with contextlib.suppress(job_verbs.Refused):  # it has no schedule that could be paused
            job_verbs.pause(job, by=by, reason="The end date has passed.")


@extend_schema_view(**schema.JOB_EXECUTIONS)
class JobExecutionsView(ApiView):
    """GET the runs of one job; `total_executions` is how many are in the answer. 400 for a bad `cursor`, 404."""

    def get(self, request: Request, job_id: str) -> Response:
        job = visible_job(account(request), job_id)
        limit = integer(request.query_params, "limit", 50, high=api_query.MOST)
        rows = api_query.matching(runs_of(job, account(request)), request.query_params)
        page = api_query.beyond(rows, request.query_params.get("cursor", ""), limit)
        found = [execution_json(run) for run in page.executions]
        return Response(
            {
                "job_id": str(job.uid),
                "job_name": job.name,
                "total_executions": len(found),
                "executions": found,
                "next_cursor": page.next_cursor,
                "previous_cursor": page.previous_cursor,
            }
        )


@extend_schema_view(**schema.JOB_STATISTICS)
class JobStatisticsView(ApiView):
    """GET the counts over all runs of one job, and its latest run. 404."""

    def get(self, request: Request, job_id: str) -> Response:
        job = visible_job(account(request), job_id)
        rows = runs_of(job, account(request))
        latest = for_wire(rows.runs()).first()
        return Response(
            {
                "job_id": str(job.uid),
                "job_name": job.name,
                "statistics": job_statistics_json(statistics.of(rows)),
                "latest_execution": execution_json(latest) if latest else None,
            }
        )


@extend_schema_view(**schema.JOB_EXECUTION)
class JobExecutionView(ApiView):
    """GET one run of one job. 404 for either."""

    def get(self, request: Request, job_id: str, execution_id: str) -> Response:
        job = visible_job(account(request), job_id)
        run = one(runs_of(job, account(request)), execution_id)
        return Response({"job": {"id": str(job.uid), "name": job.name}, "execution": execution_json(run)})


@extend_schema_view(**schema.EXECUTIONS)
class ExecutionsView(ApiView):
    """GET runs of all jobs, by `page` with a total, or by `cursor` without `total`, `page` and `total_pages`. 400."""

    def get(self, request: Request) -> Response:
        rows = api_query.matching(visible(request), request.query_params)
        page = api_query.page(rows, request.query_params, default=20)
        found = {"executions": [execution_json(run) for run in page.executions]}
        counted = {"total": page.total, "page": page.number, "limit": page.limit, "total_pages": page.pages}
        position = {"limit": page.limit} if page.total is None else counted
        cursors = {"next_cursor": page.next_cursor, "previous_cursor": page.previous_cursor}
        return Response(found | position | cursors)


@extend_schema_view(**schema.STATISTICS)
class StatisticsView(ApiView):
    """GET the counts over the runs of all jobs, or of the one in `job_id`, between `from` and `to`."""

    def get(self, request: Request) -> Response:
        between = date_range(request.query_params)
        rows = api_query.within(api_query.of_job(visible(request), request.query_params), between)
        return Response(statistics_json(statistics.of(rows)) | {"range": between.echo()})


@extend_schema_view(**schema.ONE)
class ExecutionView(ApiView):
    """GET one run. 404."""

    def get(self, request: Request, execution_id: str) -> Response:
        return Response({"execution": execution_json(one(visible(request), execution_id))})


@extend_schema_view(**schema.STOP)
class StopView(ApiView):
    """POST: ends a waiting run, asks a running one to end. 403, 404; 409 when it has ended."""

    method_permissions = {"POST": needs("executions.stop_execution")}

    def post(self, request: Request, execution_id: str) -> Response:
        run = changeable(request, execution_id)
        self.payload(optional=True)
        asked = verbs.stop(run, by=By.request(request, SURFACE))
        run.refresh_from_db()
        if not asked and not run.is_open:
            raise ApiError(409, "Execution has ended", "A run that has ended cannot be stopped.")
        return Response({"message": "Execution stop requested", "execution": stored(run)})


class _SuspensionView(ApiView):
    """POST: 403, 404; 409 for other kinds than code, and for a run that does not run."""

    method_permissions = {"POST": needs("executions.stop_execution")}
    verb: ClassVar[Callable[..., bool]]
    message: ClassVar[str]

    def post(self, request: Request, execution_id: str) -> Response:
        run = changeable(request, execution_id)
        self.payload(optional=True)
        try:
            type(self).verb(run, by=By.request(request, SURFACE))
        except job_verbs.Refused as refusal:
            raise ApiError(409, "Execution cannot be suspended or resumed", str(refusal)) from refusal
        return Response({"message": self.message, "execution": stored(run)})


@extend_schema_view(**schema.SUSPEND)
class SuspendView(_SuspensionView):
    """POST: lets a run of code stand still. 403, 404, 409."""

    verb, message = verbs.suspend, "Execution suspended"


@extend_schema_view(**schema.RESUME)
class ResumeView(_SuspensionView):
    """POST: lets it go on. 403, 404, 409."""

    verb, message = verbs.resume, "Execution resumed"


@extend_schema_view(**schema.LOG)
class LogView(ApiView):
    """GET what a run wrote, all attempts, as plain text. 404."""

    def get(self, request: Request, execution_id: str) -> HttpResponseBase:
        return logs.whole(one(visible(request), execution_id))


@extend_schema_view(**schema.ARTIFACTS)
class ArtifactsView(ApiView):
    """GET the files that a run left, the last attempt's first. 404."""

    def get(self, request: Request, execution_id: str) -> Response:
        run = one(visible(request), execution_id)
        rows = run.artifacts.order_by("-attempt", "name")
        return Response(
            {
                "total": rows.count(),
                "artifacts": [
                    {"name": row.name, "size": row.size, "attempt": row.attempt}
                    for row in rows[: artifacts.MOST_LISTED]
                ],
            }
        )


@extend_schema_view(**schema.ARTIFACT)
class ArtifactView(ApiView):
    """GET one of them, of the last attempt that left it or of the one in `attempt`. 404, 422."""

    def get(self, request: Request, execution_id: str, name: str) -> HttpResponseBase:
        run = one(visible(request), execution_id)
        attempt = integer(request.query_params, "attempt", 0, low=0, high=32767)
        try:
            if file := artifacts.named(run, name, attempt or None):
                return artifacts.download(run, file)
        except FileNotFoundError as error:
            raise no_such_artifact() from error
        raise no_such_artifact()


@extend_schema_view(**schema.MEASUREMENTS)
class MeasurementsView(ApiView):
    """GET memory and CPU time of each attempt of a run of code, over its time. 404."""

    def get(self, request: Request, execution_id: str) -> Response:
        run = one(visible(request), execution_id)
        rows = run.measurements.order_by("attempt")
        return Response(
            {"measurements": [{"attempt": row.attempt, "points": points_json(row.points)} for row in rows]}
        )


def no_such_artifact() -> ApiError:
    return ApiError(404, "Artifact not found", "The execution has left no file of this name, or it is gone.")


def _keyed(request: Request, job: Job, body: dict[str, Any]) -> idempotency.Request | None:
    """The request under its key, when it has one; how long the answer may wait is no part of it. 400."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not idempotency.is_key(key):
        raise ApiError(400, "Invalid Idempotency-Key", "Write 1 to 255 printable ASCII characters.")
    said = {name: value for name, value in body.items() if name != "wait"}
    return idempotency.Request(account(request), job, key, said)


def visible(request: Request) -> ExecutionQuerySet:
    return Execution.objects.visible_to(account(request))


def runs_of(job: Job, user: User) -> ExecutionQuerySet:
    return Execution.objects.visible_to(user).filter(job=job)


def one(rows: ExecutionQuerySet, execution_id: str) -> Execution:
    uid = as_uuid(execution_id)
    run = for_wire(rows).filter(uid=uid).first() if uid else None
    if run is None:
        raise ApiError(404, "Execution not found", "There is no execution with this id.")
    return run


def changeable(request: Request, execution_id: str) -> Execution:
    """404 where it cannot be seen, 403 where its job is not this account's to change."""
    run = one(visible(request), execution_id)
    if not Execution.objects.changeable_by(account(request)).filter(pk=run.pk).exists():
        raise ApiError(403, "Insufficient permissions", "You may stop the runs of your own jobs.")
    return run
