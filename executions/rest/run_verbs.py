"""The REST routes that start, stop, suspend and resume runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account, needs
from audit.record import Actor
from executions.ledger import idempotency, launch, verbs
from executions.ledger.limits import holds
from executions.ledger.limits.quotas import TooMany
from executions.models import Execution
from executions.rest.access import changeable
from executions.rest.overrides import WAIT, Overrides, despite_hold, overrides, seconds_to_wait
from executions.rest.wire import ExecutionJson, stored
from jobs import verbs as job_verbs
from jobs.code_permission import CodeSuspended
from jobs.models import Job
from jobs.rest.access import SURFACE, changeable_job, expired, no_such_job
from scheduler_site.lib import clock
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.parameters import Text
from scheduler_site.rest.schema_types import Nothing, Refusal, Uid
from scheduler_site.rest.views import ApiError, ApiView, Problem

KEY = Text(
    "Idempotency-Key",
    "The same key within 24 hours means the same request: it is answered with the run that it started.",
    rules={"pattern": r"^[\x20-\x7e]{1,255}$"},
)
REPLAYED = Text("Idempotency-Replayed", "`true` where the run is that of an earlier request.")
NOT_YOURS = {403: "The role, or this job, is not for this account."}
NOT_SUSPENDED = {409: "It is no run of code, has not started, is being stopped or has ended."}


class Triggered(TypedDict):
    """The run."""

    message: Literal["Job triggered successfully"]
    job_id: Annotated[Uid, "The job's id."]
    execution: ExecutionJson


class StopRequested(TypedDict):
    """The run as it is now."""

    message: Literal["Execution stop requested"]
    execution: ExecutionJson


class ExecutionSuspended(TypedDict):
    """The run as it is now."""

    message: Literal["Execution suspended"]
    execution: ExecutionJson


class ExecutionResumed(TypedDict):
    """The run as it is now."""

    message: Literal["Execution resumed"]
    execution: ExecutionJson


class _Control(ApiView):
    tag = "Runs"
    method_permissions = {"POST": needs("executions.stop_execution")}


class ExecuteView(_Control):
    method_permissions = {"POST": needs("jobs.run_job")}

    @route(
        "run_job",
        "It was started, and may have ended; a run that failed is a good answer too.",
        {
            **NOT_YOURS,
            409: (
                "An earlier run goes on, and the job's rule is to skip; or starts are held; "
                "or the key was used for another request."
            ),
            429: (
                "Too many runs wait, or too many API tokens that are none came from this address.",
                Refusal,
            ),
        },
        query=[WAIT],
        headers=[KEY],
        response_headers=[REPLAYED],
        request=Overrides,
        optional=True,
        examples={"As it is": {}, "With other metadata": {"metadata": {"branchDetails": "main"}, "wait": 0}},
    )
    def post(self, request: Request, job_id: str) -> Answer[Triggered]:
        """Run a job now.

        For administrators and the job's owner. The answer waits for the end of calls: 15 seconds, or as long as `wait` says;
        after that the run goes on by itself. What is given here holds for this run only.
        """
        job = changeable_job(account(request), job_id)
        body = self.payload(optional=True)
        changes, seconds = overrides(job, body), seconds_to_wait(job, body, request.query_params)
        by, keyed = Actor.request(request, SURFACE), _keyed(request, job, body)
        despite = despite_hold(body, account(request))
        try:
            run, replayed = self._run(job, by, changes, keyed, despite)
        except TooMany as refusal:
            told = {"error": "Too many runs", "message": str(refusal)}
            raise Problem(429, told, {"Retry-After": str(refusal.seconds)}) from refusal
        except holds.Held as refusal:
            raise ApiError(409, "Starts are held", str(refusal)) from refusal
        except CodeSuspended as refusal:
            raise ApiError(409, "Code is suspended", str(refusal)) from refusal
        except job_verbs.Refused as refusal:
            raise ApiError(409, "Job is already running", str(refusal)) from refusal
        except idempotency.KeyReused as error:
            text = "This Idempotency-Key was sent with another request before."
            raise ApiError(409, "Idempotency-Key reused", text) from error
        except Job.DoesNotExist as error:
            raise no_such_job() from error
        if run.kept_back:
            self.notes = (
                f"Kept back from this run, whose target is another one: {', '.join(run.kept_back)}.",
            )
        headers = {REPLAYED.name: "true"} if replayed else None

        def answer() -> Answer[Triggered]:
            told: Triggered = {
                "message": "Job triggered successfully",
                "job_id": str(job.uid),
                "execution": stored(run),
            }
            return Answer(told, headers=headers)

        return self.later(request, launch.until_ended(run, 0 if run.held else seconds), answer)

    def _run(
        self, job: Job, by: Actor, changes: dict[str, Any], keyed: idempotency.Request | None, despite: bool
    ) -> tuple[Execution, bool]:
        """The run, and whether it is that of an earlier request with the same key."""
        now = clock.now()
        start = partial(launch.launch, job, by=by, overrides=changes, despite_hold=despite)
        try:
            return idempotency.run(keyed, start, now) if keyed else (start(), False)
        except job_verbs.Ended as refusal:
            self._pause(job, by)
            raise expired() from refusal

    def _pause(self, job: Job, by: Actor) -> None:
        with contextlib.suppress(job_verbs.Refused):  # it has no schedule that could be paused
            job_verbs.pause(job, by=by, reason="The end date has passed.")


class StopView(_Control):
    @route(
        "stop_execution",
        "It was asked to stop; a waiting one has ended.",
        {**NOT_YOURS, 409: "It has ended already."},
        request=Nothing,
        optional=True,
    )
    def post(self, request: Request, execution_id: str) -> Answer[StopRequested]:
        """Stop a run."""
        run = changeable(request, execution_id)
        self.payload(optional=True)
        asked = verbs.stop(run, by=Actor.request(request, SURFACE))
        run.refresh_from_db()
        if not asked and not run.is_open:
            raise ApiError(409, "Execution has ended", "A run that has ended cannot be stopped.")
        return Answer({"message": "Execution stop requested", "execution": stored(run)})


class _Suspension(_Control):
    def carried_out(self, verb: Callable[..., bool], execution_id: str) -> ExecutionJson:
        """The run afterwards. 403, 404; 409 for other kinds than code, and for a run that does not run."""
        run = changeable(self.request, execution_id)
        self.payload(optional=True)
        try:
            verb(run, by=Actor.request(self.request, SURFACE))
        except job_verbs.Refused as refusal:
            raise ApiError(409, "Execution cannot be suspended or resumed", str(refusal)) from refusal
        return stored(run)


class SuspendView(_Suspension):
    @route(
        "suspend_execution",
        "It was, or it was so already.",
        {**NOT_YOURS, **NOT_SUSPENDED},
        request=Nothing,
        optional=True,
    )
    def post(self, request: Request, execution_id: str) -> Answer[ExecutionSuspended]:
        """Suspend a run of code.

        All its processes stand still, and so does its time limit. It can be stopped all the same.
        """
        run = self.carried_out(verbs.suspend, execution_id)
        return Answer({"message": "Execution suspended", "execution": run})


class ResumeView(_Suspension):
    @route(
        "resume_execution",
        "It was, or it was so already.",
        {**NOT_YOURS, **NOT_SUSPENDED},
        request=Nothing,
        optional=True,
    )
    def post(self, request: Request, execution_id: str) -> Answer[ExecutionResumed]:
        """Resume a suspended run.

        It goes on where it stood.
        """
        run = self.carried_out(verbs.resume, execution_id)
        return Answer({"message": "Execution resumed", "execution": run})


def _keyed(request: Request, job: Job, body: dict[str, Any]) -> idempotency.Request | None:
    """The request under its key, when it has one; how long the answer may wait is no part of it. 400."""
    key = request.headers.get(KEY.name)
    if key is None:
        return None
    if not idempotency.is_key(key):
        raise ApiError(400, "Invalid Idempotency-Key", "Write 1 to 255 printable ASCII characters.")
    said = {name: value for name, value in body.items() if name != "wait"}
    return idempotency.Request(account(request), job, key, said)
