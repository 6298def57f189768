"""The REST routes of jobs: list, read, make, change, remove, pause, resume. Their runs: executions/rest/executions.py."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal, TypedDict, cast

from django.db import IntegrityError, transaction
from rest_framework.request import Request

from accounts.models import User
from accounts.rest.permissions import account, needs
from audit.record import Actor
from jobs import exposed_credentials, verbs
from jobs.changes import dependencies, secret_targets
from jobs.models import Job, JobQuerySet
from jobs.rest import validation
from jobs.rest.access import (
    NOT_YOURS,
    SURFACE,
    WithLastStart,
    changeable_job,
    expired,
    no_such_job,
    visible_job,
    with_last_start,
)
from jobs.rest.ignored_keys import notes, stored
from jobs.rest.listing import NEWEST, listed, pause_of
from jobs.rest.payload import flag
from jobs.rest.request_types import JobChanges, NewJob
from jobs.rest.wire import JobJson, WrittenJob, job_json, read_json
from jobs.search.matching import Search
from scheduler_site.openapi.route import route
from scheduler_site.rest import etags
from scheduler_site.rest.answers import Answer, Created
from scheduler_site.rest.parameters import CHANGED, IF_MATCH, Text
from scheduler_site.rest.schema_types import Uid
from scheduler_site.rest.streamed import is_long, streamed
from scheduler_site.rest.views import ApiError, ApiView, timestamp

SEARCH = Text(
    "q",
    "Only jobs that a search finds, as on the page of jobs: words, `team:ops`, `owner:me`, `category:general`, "
    "`kind:webhook`, `is:failing`.",
)
NOT_POSSIBLE = {409: "A job that it is to follow is gone, or follows it already."}


class Jobs(TypedDict):
    """Jobs."""

    count: Annotated[int, "How many."]
    jobs: Annotated[list[JobJson], "The jobs."]


class OneJob(TypedDict):
    """The job."""

    job: JobJson


class JobCreated(TypedDict):
    """The job as it is now."""

    message: Literal["Job created successfully"]
    job: WrittenJob


class JobUpdated(TypedDict):
    """The job as it is now."""

    message: Literal["Job updated successfully"]
    job: WrittenJob


class _DeletedJob(TypedDict):
    """The job."""

    id: Annotated[Uid, "Its id."]
    name: Annotated[str, "Its name."]


class JobDeleted(TypedDict):
    """What was removed."""

    message: Literal["Job deleted successfully"]
    deleted_job: _DeletedJob


class _Jobs(ApiView):
    tag = "Jobs"

    def told(self, job: Job, body: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> WrittenJob:
        """The job as it was stored; beside it the answer tells what of the body has no effect, and what to see to."""
        self.notes = (*notes(body, job, before), *_cares(job, job.dropped_secrets))
        return job_json(job, pause_of(job))


def _told(keys: Sequence[int]) -> list[JobJson]:
    return listed(Job.objects.filter(pk__in=keys), with_last_start, _milliseconds)


def _searched(text: str, user: User) -> JobQuerySet:
    """400 for what cannot be searched for: to leave it out would find more than was asked for."""
    visible = Job.objects.visible_to(user)
    if not text:
        return visible
    search = Search.read(text, user)
    if search.query.unknown:
        raise ApiError(400, "Invalid q", f"Unknown: {', '.join(search.query.unknown)}.")
    return search.found(visible)


class JobsView(_Jobs):
    method_permissions = {"POST": needs("jobs.add_job")}

    @route(
        "list_jobs",
        "All that this account may see; there are no pages.",
        {400: "`q` asks for something that there is not."},
        query=[SEARCH],
    )
    def get(self, request: Request) -> Answer[Jobs]:
        """All jobs, the newest first."""
        jobs = _searched(SEARCH.of(request.query_params), account(request))
        keys = list(jobs.order_by(*NEWEST).values_list("pk", flat=True))
        if not is_long(keys):
            found = _told(keys)
            return Answer({"count": len(found), "jobs": found})
        warnings = self._warnings({})
        after = {"warnings": warnings} if warnings else None
        return cast("Answer[Jobs]", streamed("jobs", keys, _told, before={"count": len(keys)}, after=after))

    @route(
        "create_job",
        "The new job.",
        {**NOT_YOURS, **NOT_POSSIBLE},
        request=NewJob,
        examples={
            "A webhook": {
                "name": "Nightly backup",
                "cron_expression": "0 2 * * *",
                "target_url": "https://example.com/backup",
            },
            "A workflow": {
                "name": "Nightly tests",
                "schedule": {"every": 6, "period": "hours"},
                "github_repo": "shop",
                "github_workflow_name": "tests.yml",
            },
        },
    )
    def post(self, request: Request) -> Created[JobCreated]:
        """Make a job.

        For users and administrators. The first fault is told.
        """
        body = self.payload()
        changes = validation.changes_of(body, account(request))
        try:
            job = verbs.create(changes, by=Actor.request(request, SURFACE))
        except IntegrityError as error:
            raise _duplicate_name() from error
        except verbs.Refused as refusal:
            raise ApiError(409, "Not possible", str(refusal)) from refusal
        told: JobCreated = {"message": "Job created successfully", "job": self.told(job, body)}
        return etags.tagged(Created(told), job)


class JobView(_Jobs):
    method_permissions = {"PUT": needs("jobs.change_job"), "DELETE": needs("jobs.delete_job")}

    @route("get_job", "The job.")
    def get(self, request: Request, job_id: str) -> Answer[OneJob]:
        """One job."""
        job = visible_job(account(request), job_id)
        told = read_json(job, pause_of(job), last_execution_at=timestamp(_last_start(job)))
        return etags.tagged(Answer[OneJob]({"job": told}), job)

    @route(
        "update_job",
        "The job as it is now.",
        {**NOT_YOURS, **NOT_POSSIBLE, **CHANGED},
        headers=[IF_MATCH],
        request=JobChanges,
        examples={"Another time": {"cron_expression": "30 3 * * *"}, "Paused": {"is_active": False}},
    )
    def put(self, request: Request, job_id: str) -> Answer[JobUpdated]:
        """Change a job.

        For administrators and the job's owner. A refused change changes nothing.
        """
        job = changeable_job(account(request), job_id)
        body, before = self.payload(), stored(job)
        changes = validation.changes_of(body, account(request), job)
        try:
            job = verbs.update(
                job,
                changes,
                by=Actor.request(request, SURFACE),
                active=flag(body, "is_active"),
                check=partial(etags.require, self.request),
            )
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
        told: JobUpdated = {"message": "Job updated successfully", "job": self.told(job, body, before)}
        return etags.tagged(Answer(told), job)

    @transaction.atomic
    def _delete(self, job: Job, by: Actor) -> None:
        dependencies.lock_graph()
        etags.require(self.request, Job.objects.select_for_update().get(pk=job.pk))
        verbs.delete(job, by=by)

    @route(
        "delete_job",
        "It is gone; its runs are kept for a while.",
        {**NOT_YOURS, **CHANGED},
        headers=[IF_MATCH],
    )
    def delete(self, request: Request, job_id: str) -> Answer[JobDeleted]:
        """Remove a job.

        For administrators and the job's owner.
        """
        job = changeable_job(account(request), job_id)
        try:
            self._delete(job, Actor.request(request, SURFACE))
        except Job.DoesNotExist as error:
            raise no_such_job() from error
        deleted: _DeletedJob = {"id": str(job.uid), "name": job.name}
        return Answer({"message": "Job deleted successfully", "deleted_job": deleted})


def _cares(job: Job, dropped: tuple[str, ...]) -> list[str]:
    told = [f"Secrets were {secret_targets.described(dropped)}."] if dropped else []
    if open_to_all := exposed_credentials.exposed(job):
        told.append(
            f"Credentials stand where everybody reads them: {', '.join(open_to_all)}. Keep them in secrets "
            f"(POST /jobs/{job.uid}/hide-credentials)."
        )
    return told


def _duplicate_name() -> ApiError:
    return ApiError(400, "Duplicate job name", "Another job has this name.")


def _last_start(job: Job) -> dt.datetime | None:
    return cast("WithLastStart", job).last_started_at


def _milliseconds(moment: dt.datetime | None) -> str | None:
    """The format of this time in lists; single reads give microseconds (wire facts 1.2)."""
    if moment is None:
        return None
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
