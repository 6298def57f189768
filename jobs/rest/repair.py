"""The REST routes that repair a job: take it over, and move its credentials to its secrets."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account
from audit.record import Actor
from jobs import code_permission, exposed_credentials
from jobs.rest.access import NOT_YOURS, SURFACE, changeable_job
from jobs.rest.pausing import JobVerbView, carried_out, written
from jobs.rest.wire import WrittenJob
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.schema_types import Nothing


class JobTakenOver(TypedDict):
    """The job as it is now."""

    message: Annotated[
        Literal["Job taken over successfully", "Job is yours already"], "Whether anything changed."
    ]
    job: WrittenJob


class CredentialsHidden(TypedDict):
    """The job as it is now."""

    message: Annotated[
        Literal["Credentials moved successfully", "Nothing to move"], "Whether anything changed."
    ]
    job: WrittenJob


class TakeOverView(JobVerbView):
    @route(
        "take_over_job",
        "The job as it is now; code that was suspended for its owner's sake runs again.",
        {**NOT_YOURS, 409: "It has an owner, or runs code, which this account may not."},
        request=Nothing,
        optional=True,
    )
    def post(self, request: Request, job_id: str) -> Answer[JobTakenOver]:
        """Become the owner of a job.

        For administrators; for others who may change it where its owner is gone or its code is suspended.
        """
        job = changeable_job(account(request), job_id)
        self.payload(optional=True)
        changed = carried_out(lambda: code_permission.take_over(job, by=Actor.request(request, SURFACE)))
        return Answer(
            {
                "message": "Job taken over successfully" if changed else "Job is yours already",
                "job": written(job),
            }
        )


class HideCredentialsView(JobVerbView):
    @route(
        "hide_credentials",
        "The job as it is now.",
        {**NOT_YOURS, 409: "The present secrets cannot be read."},
        request=Nothing,
        optional=True,
    )
    def post(self, request: Request, job_id: str) -> Answer[CredentialsHidden]:
        """Move credentials to the secrets.

        Headers, parameters of the URL and metadata of webhooks, and variables of scripts.
        """
        job = changeable_job(account(request), job_id)
        self.payload(optional=True)
        moved = carried_out(lambda: bool(exposed_credentials.move(job, by=Actor.request(request, SURFACE))))
        return Answer(
            {
                "message": "Credentials moved successfully" if moved else "Nothing to move",
                "job": written(job),
            }
        )
