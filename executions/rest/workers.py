"""The REST routes of workers: which there are, and draining them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import needs
from audit.record import Actor
from executions.models import Drain
from executions.monitoring import drains
from executions.monitoring.drains import WorkerState
from executions.rest.holds import MAX_REASON, read_reason
from jobs.rest.access import SURFACE
from jobs.verbs import Refused
from scheduler_site.lib import clock
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.query import moment
from scheduler_site.rest.schema_types import Moment, Nothing, Rules, one_of
from scheduler_site.rest.views import ApiError, ApiView

MAY_DRAIN = needs("executions.drain_worker")


class DrainOrder(TypedDict):
    """The order to end when its runs have ended."""

    since: Annotated[Moment, "When it was given."]
    reason: Annotated[str, "Why."]
    by: Annotated[str, "Who gave it."]
    ended_at: Annotated[Moment | None, "When its last run had ended."]


class WorkerJson(TypedDict):
    """A worker process."""

    name: Annotated[str, "Host, process id, and digits that tell it from others of the same."]
    queues: Annotated[list[Annotated[str, one_of(drains.ROLES)]], "What it takes runs from."]
    state: Annotated[str, "What it is doing.", one_of(("running", "draining", "drained", "silent"))]
    age: Annotated[float | None, "Seconds since it gave a sign of life; null when it has ended."]
    runs: Annotated[int, "Runs in its hands."]
    drain: DrainOrder | None


class WorkerList(TypedDict):
    """All workers."""

    workers: Annotated[list[WorkerJson], "By queue and name."]


class DrainOrdered(TypedDict):
    """The workers as they are now."""

    message: Literal["Drain ordered"]
    workers: Annotated[list[WorkerJson], "Those that were meant."]


class DrainCancelled(TypedDict):
    """What was taken back."""

    message: Literal["Drain cancelled"]
    cancelled: Annotated[int, "How many orders."]


class NewDrain(TypedDict, total=False):
    """One of `worker` and `all`."""

    worker: Annotated[str | None, "The name of a worker, or of a host for all on it."]
    all: Annotated[bool | None, "All workers that run jobs."]
    reason: Annotated[str | None, "Why.", Rules(minLength=1, maxLength=MAX_REASON)]


def worker_json(worker: WorkerState) -> WorkerJson:
    return {
        "name": worker.name,
        "queues": list(worker.roles),
        "state": worker.state,
        "age": None if worker.age is None else round(worker.age, 3),
        "runs": worker.runs,
        "drain": _order(worker.drain) if worker.drain else None,
    }


def _order(row: Drain) -> DrainOrder:
    return {
        "since": moment(row.at),
        "reason": row.reason,
        "by": row.by_name,
        "ended_at": moment(row.ended_at),
    }


class WorkersView(ApiView):
    method_permissions = {"GET": MAY_DRAIN}

    @route("list_workers", "Those of the last hour, and those that were drained.")
    def get(self, request: Request) -> Answer[WorkerList]:
        """All workers.

        For administrators.
        """
        return Answer({"workers": [worker_json(one) for one in drains.workers(clock.now())]})


class DrainsView(ApiView):
    method_permissions = {"POST": MAY_DRAIN, "DELETE": MAY_DRAIN}

    @route(
        "drain_workers",
        "They take nothing new, and end when their runs have ended.",
        {404: "No living worker has this name, or runs on a host of this name."},
        request=NewDrain,
    )
    def post(self, request: Request) -> Answer[DrainOrdered]:
        """Drain workers.

        For administrators. Their supervisor starts no others in their places until the order is taken back.
        """
        body = self.payload()
        name, everyone, now = body.get("worker"), body.get("all"), clock.now()
        reason = read_reason(body) if body.get("reason") is not None else ""
        if everyone is True and name is None:
            found = drains.of_jobs(now)
        elif isinstance(name, str) and name and not everyone:
            found = _named(name, now)
        else:
            text = "Write the name of a worker or of a host as worker, or all: true."
            raise ApiError(400, "Invalid worker", text)
        drains.order(found, by=Actor.request(request, SURFACE), reason=reason)
        chosen = {one.name for one in found}
        states = [worker_json(one) for one in drains.workers(clock.now()) if one.name in chosen]
        return Answer({"message": "Drain ordered", "workers": states})

    @route(
        "cancel_drains",
        "Workers that have not ended go on; in the place of the others new ones are started.",
        request=Nothing,
        optional=True,
    )
    def delete(self, request: Request) -> Answer[DrainCancelled]:
        """Take all orders to drain back.

        For administrators.
        """
        self.payload(optional=True)
        count = drains.cancel(Drain.objects.all(), by=Actor.request(request, SURFACE))
        return Answer({"message": "Drain cancelled", "cancelled": count})


class DrainView(ApiView):
    method_permissions = {"DELETE": MAY_DRAIN}

    @route(
        "cancel_drain",
        "It goes on, or another is started in its place.",
        {404: "It is not drained."},
        request=Nothing,
        optional=True,
    )
    def delete(self, request: Request, worker: str) -> Answer[DrainCancelled]:
        """Take the order to drain a worker back.

        For administrators.
        """
        self.payload(optional=True)
        count = drains.cancel(Drain.objects.filter(worker=worker), by=Actor.request(request, SURFACE))
        if not count:
            raise ApiError(404, "Not found", "This worker is not drained.")
        return Answer({"message": "Drain cancelled", "cancelled": count})


def _named(name: str, now: dt.datetime) -> list[WorkerState]:
    try:
        return drains.matching(name, now)
    except Refused as refusal:
        raise ApiError(404, "Not found", str(refusal)) from refusal
