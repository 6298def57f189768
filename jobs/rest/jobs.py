"""The REST routes of jobs: list, read, make, change, remove, pause, resume. Their runs: executions/rest/executions.py."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import account, needs
from audit.record import By
from jobs import dependencies, verbs
from jobs.models import Job
from jobs.rest import payloads, schema
from jobs.rest.listing import listed, pause_of
from jobs.rest.notes import notes
from jobs.rest.reading import flag
from jobs.rest.wire import job_json, read_json, read_moment
from scheduler_site.rest import versions
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, timestamp

SURFACE = "api"
MAX_REASON = 500


class WithLastStart(Protocol):
    """A job out of `with_last_start`."""

    last_started_at: dt.datetime | None


def visible_job(user: User, job_id: str) -> Job:
    """404 for a job that does not exist or is not to be seen."""
    uid = as_uuid(job_id)
    jobs = with_last_start(Job.objects.visible_to(user))
    job = (
        jobs.select_related("category", "team", "owner", "environment").filter(uid=uid).first()
        if uid
        else None
    )
    if job is None:
        raise no_such_job()
    return job


def changeable_job(user: User, job_id: str) -> Job:
    """404 as above, and 403 for a job that may be seen but not changed."""
    job = visible_job(user, job_id)
    if not Job.objects.changeable_by(user).filter(pk=job.pk).exists():
        text = "You may change your own jobs; code needs a right of its own."
        raise ApiError(403, "Insufficient permissions", text)
    return job


def no_such_job() -> ApiError:
    return ApiError(404, "Job not found", "There is no job with this id.")


def expired() -> ApiError:
    return ApiError(400, "Job expired", "The job's end date has passed. Give it a new one first.")


def with_last_start(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """With `last_started_at`: when the latest of its due times that ran was started.

    Through the relation's name, since jobs know nothing of executions; one row of an index for each job.
    """
    started = (
        Job.objects.filter(pk=OuterRef("pk"), executions__started_at__isnull=False)
        .order_by("-executions__due_at", "-executions__id")
        .values("executions__started_at")[:1]
    )
    return jobs.annotate(last_started_at=Subquery(started))


def written(job: Job) -> dict[str, Any]:
    """A job after a change, as it is stored now."""
    stored = Job.objects.select_related("category", "team", "owner", "environment").get(pk=job.pk)
    return job_json(stored, pause_of(stored))


class _Written(ApiView):
    """What the answers to changes have in common."""

    def answer(self, message: str, job: Job, body: Mapping[str, Any], status: int = 200) -> Response:
        """The job as it is stored now, its tag, and what of the body has no effect."""
        stored = Job.objects.select_related("category", "team", "owner", "environment").get(pk=job.pk)
        self.notes = notes(body, stored)
        told = {"message": message, "job": job_json(stored, pause_of(stored))}
        return versions.tagged(Response(told, status=status), stored)


@extend_schema_view(**schema.JOBS)
class JobsView(_Written):
    """GET all jobs, the newest first; POST a new one (400, 403)."""

    method_permissions = {"POST": needs("jobs.add_job")}

    def get(self, request: Request) -> Response:
        answer = listed(Job.objects.visible_to(account(request)), with_last_start, _milliseconds)
        return Response({"count": len(answer), "jobs": answer})

    def post(self, request: Request) -> Response:
        body = self.payload()
        draft = payloads.draft(body, account(request))
        try:
            job = verbs.create(draft, by=By.request(request, SURFACE))
        except IntegrityError as error:
            raise _duplicate_name() from error
        except verbs.Refused as refusal:
            raise ApiError(409, "Not possible", str(refusal)) from refusal
        return self.answer("Job created successfully", job, body, status=201)


@extend_schema_view(**schema.JOB_)
class JobView(_Written):
    """One job: GET; PUT changes what the body names; DELETE. 400, 403, 404; 412 for what `If-Match` does not name."""

    method_permissions = {"PUT": needs("jobs.change_job"), "DELETE": needs("jobs.delete_job")}

    def get(self, request: Request, job_id: str) -> Response:
        job = visible_job(account(request), job_id)
        told = read_json(job, pause_of(job), last_execution_at=timestamp(_last_start(job)))
        return versions.tagged(Response({"job": told}), job)

    def put(self, request: Request, job_id: str) -> Response:
        job = changeable_job(account(request), job_id)
        body = self.payload()
        draft = payloads.draft(body, account(request), job)
        try:
            self._apply(job, draft, flag(body, "is_active"), By.request(request, SURFACE))
        except IntegrityError as error:
            raise _duplicate_name() from error
        except Job.DoesNotExist as error:
            raise no_such_job() from error
        except verbs.Ended as refusal:
            raise expired() from refusal
        except verbs.Unscheduled as refusal:
            raise ApiError(400, "Invalid is_active", str(refusal)) from refusal
        except verbs.Refused as refusal:
            raise ApiError(409, "Not possible", str(refusal)) from refusal
        return self.answer("Job updated successfully", job, body)

    @transaction.atomic
    def _apply(self, job: Job, draft: verbs.Draft, active: bool | None, by: By) -> None:
        """412."""
        if draft.depends_on is not None:
            dependencies.alone()
        versions.require(self.request, Job.objects.select_for_update().get(pk=job.pk))
        verbs.update(job, draft, by=by, active=active)

    @transaction.atomic
    def _delete(self, job: Job, by: By) -> None:
        dependencies.alone()
        versions.require(self.request, Job.objects.select_for_update().get(pk=job.pk))
        verbs.delete(job, by=by)

    def delete(self, request: Request, job_id: str) -> Response:
        job = changeable_job(account(request), job_id)
        try:
            self._delete(job, By.request(request, SURFACE))
        except Job.DoesNotExist as error:
            raise no_such_job() from error
        deleted = {"id": str(job.uid), "name": job.name}
        return Response({"message": "Job deleted successfully", "deleted_job": deleted})


@extend_schema_view(**schema.PAUSE)
class PauseView(ApiView):
    """POST `{reason?, until?}`: stops the schedule. 400, 403, 404; 409 for a job without a schedule."""

    method_permissions = {"POST": needs("jobs.change_job")}

    def post(self, request: Request, job_id: str) -> Response:
        job = changeable_job(account(request), job_id)
        body = self.payload(optional=True)
        reason, until = _reason(body.get("reason")), _until(body.get("until"), job)
        changed = _carried_out(
            lambda: verbs.pause(job, by=By.request(request, SURFACE), reason=reason, until=until)
        )
        message = "Job paused successfully" if changed else "Job is paused already"
        return Response({"message": message, "job": written(job)})


@extend_schema_view(**schema.RESUME)
class ResumeView(ApiView):
    """POST: starts the schedule again. 403, 404; 400 for a job that has ended."""

    method_permissions = {"POST": needs("jobs.change_job")}

    def post(self, request: Request, job_id: str) -> Response:
        job = changeable_job(account(request), job_id)
        self.payload(optional=True)
        changed = _carried_out(lambda: verbs.resume(job, by=By.request(request, SURFACE)))
        message = "Job resumed successfully" if changed else "Job is active already"
        return Response({"message": message, "job": written(job)})


def _carried_out(verb: Callable[[], bool]) -> bool:
    try:
        return verb()
    except verbs.Ended as refusal:
        raise expired() from refusal
    except verbs.TooLate as refusal:
        raise ApiError(400, "Invalid until", "This time has passed already.") from refusal
    except verbs.Refused as refusal:
        raise ApiError(409, "Not possible", str(refusal)) from refusal
    except Job.DoesNotExist as error:
        raise no_such_job() from error


def _reason(value: Any) -> str:
    if value is not None and (not isinstance(value, str) or len(value) > MAX_REASON):
        raise ApiError(400, "Invalid reason", f"Write a text of at most {MAX_REASON} characters.")
    return value or ""


def _until(value: Any, job: Job) -> dt.datetime | None:
    """ISO 8601; without an offset in the job's zone."""
    if value is None:
        return None
    try:
        return read_moment(value, job.timing.timezone or settings.SCHEDULER_TIMEZONE).astimezone(dt.UTC)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        text = "Write a time such as 2026-03-29T03:00:00+02:00."
        raise ApiError(400, "Invalid until", text) from error


def _duplicate_name() -> ApiError:
    return ApiError(400, "Duplicate job name", "Another job has this name.")


def _last_start(job: Job) -> dt.datetime | None:
    return cast("WithLastStart", job).last_started_at


def _milliseconds(moment: dt.datetime | None) -> str | None:
    """The format of this time in lists; single reads give microseconds (wire facts 1.2)."""
    if moment is None:
        return None
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
