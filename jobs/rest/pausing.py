"""The REST routes that pause and resume a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account, needs
from audit.record import Actor
from jobs import verbs
from jobs.models import Job
from jobs.rest.access import NOT_YOURS, SURFACE, changeable_job, expired, no_such_job
from jobs.rest.listing import pause_of
from jobs.rest.request_types import MAX_REASON, PauseChoice
from jobs.rest.wire import WrittenJob, job_json, read_until
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.schema_types import Nothing
from scheduler_site.rest.views import ApiError, ApiView


class JobPaused(TypedDict):
    """The job as it is now."""

    message: Annotated[
        Literal["Job paused successfully", "Job is paused already"], "Whether anything changed."
    ]
    job: WrittenJob


class JobResumed(TypedDict):
    """The job as it is now."""

    message: Annotated[
        Literal["Job resumed successfully", "Job is active already"], "Whether anything changed."
    ]
    job: WrittenJob


class JobVerbView(ApiView):
    """A verb for one job, by who may change it."""

    tag = "Jobs"
    method_permissions = {"POST": needs("jobs.change_job")}


class PauseView(JobVerbView):
    @route(
        "pause_job",
        "The job as it is now.",
        {**NOT_YOURS, 409: "It has no schedule that could be paused."},
        request=PauseChoice,
        optional=True,
        examples={"For a while": {"reason": "Migration", "until": "2030-03-29T03:00:00+02:00"}},
    )
    def post(self, request: Request, job_id: str) -> Answer[JobPaused]:
        """Pause a job.

        For administrators and the job's owner. It can still be run by hand.
        """
        job = changeable_job(account(request), job_id)
        body = self.payload(optional=True)
        reason, until = _reason(body.get("reason")), read_until(body.get("until"), job.timing.timezone)
        changed = carried_out(
            lambda: verbs.pause(job, by=Actor.request(request, SURFACE), reason=reason, until=until)
        )
        return Answer(
            {
                "message": "Job paused successfully" if changed else "Job is paused already",
                "job": written(job),
            }
        )


class ResumeView(JobVerbView):
    @route(
        "resume_job",
        "The job as it is now. Nothing runs before its next due time.",
        {**NOT_YOURS, 409: "It has no schedule that could be resumed."},
        request=Nothing,
        optional=True,
    )
    def post(self, request: Request, job_id: str) -> Answer[JobResumed]:
        """Resume a job.

        For administrators and the job's owner.
        """
        job = changeable_job(account(request), job_id)
        self.payload(optional=True)
        changed = carried_out(lambda: verbs.resume(job, by=Actor.request(request, SURFACE)))
        return Answer(
            {
                "message": "Job resumed successfully" if changed else "Job is active already",
                "job": written(job),
            }
        )


def written(job: Job) -> WrittenJob:
    """A job after a change, as it is stored now."""
    stored = Job.objects.select_related("category", "team", "owner", "environment").get(pk=job.pk)
    return job_json(stored, pause_of(stored))


def carried_out(verb: Callable[[], bool]) -> bool:
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
