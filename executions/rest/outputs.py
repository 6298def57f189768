"""The REST routes of what a run left: its log, its files, and what was measured of it."""

from __future__ import annotations

from typing import Annotated, TypedDict

from django.http import HttpResponseBase
from rest_framework.request import Request

from executions.ledger import artifacts
from executions.monitoring import logs
from executions.rest.access import one, visible
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.parameters import Integer
from scheduler_site.rest.schema_types import Rules
from scheduler_site.rest.views import ApiError, ApiView

ATTEMPT = Integer("attempt", "Of this attempt; without it, of the last one that left it.", low=0, high=32767)


class ArtifactJson(TypedDict):
    """A file that a run left in the directory BELFRY_ARTIFACTS."""

    name: Annotated[str, "Its path in that directory.", Rules(examples=["plots/daily.png"])]
    size: Annotated[int, "Its size in bytes."]
    attempt: Annotated[int, "The attempt that left it."]


class Artifacts(TypedDict):
    """The files of a run."""

    total: Annotated[int, "How many there are."]
    artifacts: Annotated[list[ArtifactJson], "The files."]


class Point(TypedDict):
    """All processes of the attempt together."""

    seconds: Annotated[float, "Since the attempt's start."]
    memory: Annotated[int, "Bytes at this moment."]
    cpu_seconds: Annotated[float, "CPU time so far."]


class MeasurementJson(TypedDict):
    """One attempt."""

    attempt: Annotated[int, "Its number."]
    points: Annotated[list[Point], "At most a few hundred, the oldest first."]


class Measurements(TypedDict):
    """What was measured of a run of code."""

    measurements: Annotated[list[MeasurementJson], "The attempts, the first one first."]


class _Outputs(ApiView):
    tag = "Runs"


class LogView(_Outputs):
    @route(
        "get_log",
        "All of it, of all attempts.",
        response=Annotated[str, "The output."],
        response_media="text/plain",
    )
    def get(self, request: Request, execution_id: str) -> HttpResponseBase:
        """What a run wrote."""
        return logs.whole(one(visible(request), execution_id))


class ArtifactsView(_Outputs):
    @route("list_artifacts", f"All of them, up to {artifacts.MOST_LISTED}; the last attempt's first.")
    def get(self, request: Request, execution_id: str) -> Answer[Artifacts]:
        """The files that a run left.

        They are kept as long as the run.
        """
        run = one(visible(request), execution_id)
        rows = run.artifacts.order_by("-attempt", "name")
        return Answer(
            {
                "total": rows.count(),
                "artifacts": [
                    {"name": row.name, "size": row.size, "attempt": row.attempt}
                    for row in rows[: artifacts.MOST_LISTED]
                ],
            }
        )


class ArtifactView(_Outputs):
    @route(
        "get_artifact",
        "Its bytes, to be saved and not to be shown.",
        {422: "Not a number, or out of bounds."},
        query=[ATTEMPT],
        response=Annotated[str, "The file.", Rules(format="binary")],
        response_media="application/octet-stream",
    )
    def get(self, request: Request, execution_id: str, name: str) -> HttpResponseBase:
        """One of the files that a run left."""
        run = one(visible(request), execution_id)
        attempt = ATTEMPT.of(request.query_params)
        try:
            if file := artifacts.named(run, name, attempt or None):
                return artifacts.download(run, file)
        except FileNotFoundError as error:
            raise no_such_artifact() from error
        raise no_such_artifact()


class MeasurementsView(_Outputs):
    @route("get_measurements", "For each attempt that was measured.")
    def get(self, request: Request, execution_id: str) -> Answer[Measurements]:
        """Memory and CPU time of a run over its time."""
        run = one(visible(request), execution_id)
        rows = run.measurements.order_by("attempt")
        return Answer(
            {"measurements": [{"attempt": row.attempt, "points": points_json(row.points)} for row in rows]}
        )


def points_json(points: list[tuple[float, int, float]]) -> list[Point]:
    return [{"seconds": seconds, "memory": memory, "cpu_seconds": cpu} for seconds, memory, cpu in points]


def no_such_artifact() -> ApiError:
    return ApiError(404, "Artifact not found", "The execution has left no file of this name, or it is gone.")
