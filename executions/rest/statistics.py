"""The REST routes of counts over runs."""

from __future__ import annotations

from typing import Annotated, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account
from accounts.roles import home_category
from executions.models import Execution
from executions.monitoring import statistics, totals
from executions.rest import api_query
from executions.rest.access import runs_of
from executions.rest.wire import ExecutionJson, execution_json, for_wire
from jobs.rest.access import named_job
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.parameters import RANGE
from scheduler_site.rest.query import Range
from scheduler_site.rest.schema_types import Uid
from scheduler_site.rest.views import ApiView

SuccessRate = Annotated[float, "Percent of all runs; 0 when there is none."]


class _JobCounts(TypedDict):
    """The counts."""

    total_executions: Annotated[int, "All runs."]
    success_count: Annotated[int, "Those that succeeded."]
    failed_count: Annotated[int, "Those that failed."]
    running_count: Annotated[int, "Those that run or wait."]
    success_rate: SuccessRate
    average_duration_seconds: Annotated[float | None, "Of those that succeeded."]


class JobStatistics(TypedDict):
    """Counts over the runs of one job."""

    job_id: Annotated[Uid, "The job's id."]
    job_name: Annotated[str, "The job's name."]
    statistics: _JobCounts
    latest_execution: ExecutionJson | None


class StatisticsJson(TypedDict):
    """Counts over runs."""

    total_executions: Annotated[int, "All runs."]
    successful_executions: Annotated[int, "Those that succeeded."]
    failed_executions: Annotated[int, "Those that failed."]
    running_executions: Annotated[int, "Those that run or wait."]
    success_rate: SuccessRate
    average_duration_seconds: Annotated[float, "Of all that have one; 0 when none has."]
    range: Range


class JobStatisticsView(ApiView):
    tag = "Runs"

    @route("get_job_statistics", "Counts over all of its runs.")
    def get(self, request: Request, job_id: str) -> Answer[JobStatistics]:
        """How a job has done."""
        job = named_job(account(request), job_id)
        rows, user = runs_of(job, account(request)), account(request)
        chosen = totals.of_job(Execution.objects.visible_to(user), job.uid, home_category(user))
        latest = for_wire(rows.runs()).first()
        return Answer(
            {
                "job_id": str(job.uid),
                "job_name": job.name,
                "statistics": job_statistics_json(statistics.of(chosen)),
                "latest_execution": execution_json(latest) if latest else None,
            }
        )


class StatisticsView(ApiView):
    tag = "Runs"

    @route("get_statistics", "Counts over the runs that match.", query=[api_query.JOB_ID, *RANGE])
    def get(self, request: Request) -> Answer[StatisticsJson]:
        """How all jobs have done."""
        chosen = api_query.of_anybody(account(request), request.query_params)
        return Answer(statistics_json(statistics.of(chosen), chosen.between.echo()))


def job_statistics_json(counts: statistics.Statistics) -> _JobCounts:
    """Of one job: percent and seconds with two decimals, the mean of its successful runs only."""
    mean = counts.mean_success_duration
    return {
        "total_executions": counts.total,
        "success_count": counts.success,
        "failed_count": counts.failed,
        "running_count": counts.running,
        "success_rate": round(counts.success_rate, 2),
        "average_duration_seconds": None if mean is None else round(mean, 2),
    }


def statistics_json(counts: statistics.Statistics, between: Range) -> StatisticsJson:
    """Of many jobs: nothing rounded, the mean of every run that has a duration."""
    return {
        "total_executions": counts.total,
        "successful_executions": counts.success,
        "failed_executions": counts.failed,
        "running_executions": counts.running,
        "success_rate": counts.success_rate,
        "average_duration_seconds": counts.mean_duration or 0.0,
        "range": between,
    }
