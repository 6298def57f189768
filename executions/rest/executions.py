"""The REST routes of the ledger: the runs of a job, of all jobs, and one of them."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account
from executions.rest import api_query
from executions.rest.access import one, runs_of, visible
from executions.rest.wire import ExecutionJson, execution_json, listed_json
from jobs.rest.access import named_job
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.parameters import PAGE
from scheduler_site.rest.schema_types import Uid, Warnings
from scheduler_site.rest.views import ApiView

LIMITS = {422: "Not a number, or out of bounds."}


class _Cursors(TypedDict):
    next_cursor: Annotated[str | None, "What to give as `cursor` for older runs; null at the end."]
    previous_cursor: Annotated[str | None, "What to give as `cursor` for newer runs; null at the beginning."]


class JobExecutions(_Cursors):
    """Runs of one job."""

    job_id: Annotated[Uid, "The job's id."]
    job_name: Annotated[str, "The job's name."]
    total_executions: Annotated[int, "How many are in this answer."]
    executions: Annotated[list[ExecutionJson], "The runs."]


class FollowingPage(_Cursors):
    """What follows a cursor."""

    executions: Annotated[list[ExecutionJson], "The runs."]
    limit: Annotated[int, "How many at the most."]
    warnings: NotRequired[Warnings]


class NumberedPage(FollowingPage):
    """A page by its number."""

    total: Annotated[int, "How many match on all pages."]
    page: Annotated[int, "The number of this page, from 1."]
    total_pages: Annotated[int, "How many pages there are; 0 when nothing matches."]


AnyPage = Annotated[NumberedPage | FollowingPage, "A page with or without a count."]


class _NamedJob(TypedDict):
    """The job."""

    id: Annotated[Uid, "Its id."]
    name: Annotated[str, "Its name."]


class JobExecution(TypedDict):
    """A run and its job."""

    job: _NamedJob
    execution: ExecutionJson


class OneExecution(TypedDict):
    """The run."""

    execution: ExecutionJson


class _Executions(ApiView):
    tag = "Runs"


class JobExecutionsView(_Executions):
    @route(
        "list_job_executions",
        "The first of them, or those after the cursor.",
        LIMITS,
        query=[*api_query.CHOICE, api_query.JOB_LIMIT, api_query.CURSOR],
    )
    def get(self, request: Request, job_id: str) -> Answer[JobExecutions]:
        """The runs of a job, the latest due first."""
        job = named_job(account(request), job_id)
        limit = api_query.JOB_LIMIT.of(request.query_params)
        rows = api_query.choice(account(request), request.query_params).matching().filter(job=job)
        page = api_query.beyond(rows, request.query_params.get("cursor", ""), limit)
        found = listed_json(page.executions)
        return Answer(
            {
                "job_id": str(job.uid),
                "job_name": job.name,
                "total_executions": len(found),
                "executions": found,
                "next_cursor": page.next_cursor,
                "previous_cursor": page.previous_cursor,
            }
        )


class JobExecutionView(_Executions):
    @route("get_job_execution", "The run.")
    def get(self, request: Request, job_id: str, execution_id: str) -> Answer[JobExecution]:
        """One run of a job."""
        job = named_job(account(request), job_id)
        run = one(runs_of(job, account(request)), execution_id)
        return Answer({"job": {"id": str(job.uid), "name": job.name}, "execution": execution_json(run)})


class ExecutionsView(_Executions):
    @route(
        "list_executions",
        "By `page` with a total, or by `cursor` without one.",
        LIMITS,
        query=[*api_query.CHOICE, PAGE, api_query.LIMIT, api_query.CURSOR_FOR_PAGE],
    )
    def get(self, request: Request) -> Answer[AnyPage]:
        """Runs of all jobs, the latest due first."""
        chosen = api_query.choice(account(request), request.query_params)
        page = api_query.page(chosen, request.query_params)
        found: FollowingPage = {
            "executions": listed_json(page.executions),
            "limit": page.limit,
            "next_cursor": page.next_cursor,
            "previous_cursor": page.previous_cursor,
        }
        if page.total is None:
            return Answer(found)
        counted: NumberedPage = {
            **found,
            "total": page.total,
            "page": page.number,
            "total_pages": page.pages,
        }
        return Answer(counted)


class ExecutionView(_Executions):
    @route("get_execution", "The run.")
    def get(self, request: Request, execution_id: str) -> Answer[OneExecution]:
        """One run."""
        return Answer({"execution": execution_json(one(visible(request), execution_id))})
