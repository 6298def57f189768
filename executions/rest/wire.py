"""Runs as JSON: the keys of the v2 wire facts, section 9, and ours beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol, TypedDict, cast
from uuid import UUID

from django.db.models import F

from executions.ledger.limits import concurrency
from executions.models import Execution, ExecutionQuerySet, Reason, State, Trigger
from executions.monitoring import written
from executions.monitoring.logs import as_shown
from executions.monitoring.written import Written
from jobs.models import Job
from scheduler_site.rest.query import moment
from scheduler_site.rest.schema_types import Moment, Rules, Uid, one_of

# The three words of the dialect, and two that appear only when they are asked for.
STATUS: dict[str, str] = {
    State.QUEUED: "running",
    State.RUNNING: "running",
    State.SUCCESS: "success",
    State.FAILED: "failed",
    State.TIMEOUT: "failed",
    State.STOPPED: "failed",
    State.LOST: "failed",
    State.ERROR: "failed",
    State.MISSED: "missed",
    State.SKIPPED: "skipped",
}
OUTPUT = written.SIZE
# Characters of an error that a list tells; the run has all of it.
LISTED_ERROR = 1000
CALLS = [Job.Kind.WEBHOOK.value, Job.Kind.GITHUB_ACTIONS.value]


class _Named(Protocol):
    """What `for_wire` adds to a row: who asked for the run, and the ids of others."""

    requested_by_name: str | None
    blocked_by_uid: UUID | None
    caused_by_uid: UUID | None


def for_wire(rows: ExecutionQuerySet) -> ExecutionQuerySet:
    """With all that `execution_json` needs of the table; without what may be large."""
    return rows.defer("definition").annotate(
        requested_by_name=F("requested_by__username"),
        blocked_by_uid=F("blocked_by__uid"),
        caused_by_uid=F("caused_by__uid"),
    )


class ExecutionJson(TypedDict):
    """A run, or a due time that was missed or skipped."""

    id: Annotated[Uid, "The run's id."]
    job_id: Annotated[Uid, "The job's id; the job itself may be gone."]
    job_name: Annotated[str, "The job's name at the time."]
    status: Annotated[
        str,
        "How it stands. Waiting counts as running; timeout, stopped, lost and error count as failed.",
        one_of(dict.fromkeys(STATUS.values())),
    ]
    trigger_type: Annotated[str, "What started it.", one_of(Trigger.values)]
    started_at: Annotated[Moment | None, "When it was started."]
    completed_at: Annotated[Moment | None, "When it ended."]
    duration_seconds: Annotated[float | None, "How long it took, all attempts."]
    execution_type: Annotated[str | None, "What was called; null for code.", one_of(CALLS)]
    target: Annotated[str, "What was called or run.", Rules(examples=["https://example.com/backup"])]
    github_repo: Annotated[str | None, "The repository of a workflow."]
    response_status: Annotated[int | None, "The status of the answer to a call."]
    error_message: Annotated[str | None, "What went wrong."]
    output: Annotated[str | None, f"The first {OUTPUT} characters of the answer, or of what code wrote."]
    # Ours, beside those of the dialect.
    state: Annotated[str, "How it stands, exactly.", one_of(State.values)]
    reason: Annotated[
        str | None,
        "Why it has this outcome, where the state alone does not say it.",
        one_of(filter(None, Reason.values)),
    ]
    kind: Annotated[str, "The kind of job.", one_of(Job.Kind.values)]
    scheduled_for: Annotated[Moment | None, "The due time that it stands for; null when started by hand."]
    due_at: Annotated[Moment, "When it was due or asked for; lists are in this order."]
    created_at: Annotated[Moment, "When it was written down."]
    slots: Annotated[int, "How many due times in a row it stands for."]
    last_slot: Annotated[Moment | None, "The last of them, where there are several."]
    attempt: Annotated[int, "The number of its last attempt, from 1; 0 before the first."]
    next_attempt_at: Annotated[Moment | None, "When the next attempt comes."]
    stopping: Annotated[bool, "Whether it was asked to stop and has not yet."]
    suspended_at: Annotated[Moment | None, "Since when it stands still, while it is suspended."]
    exit_code: Annotated[int | None, "The exit code of code."]
    result: Annotated[str | None, "What code gave back, as JSON."]
    peak_memory: Annotated[int | None, "The most memory that it used, in bytes."]
    mean_memory: Annotated[int | None, "The memory that it used on average, in bytes."]
    cpu_seconds: Annotated[float | None, "The CPU time of all processes of its last attempt, in seconds."]
    worker: Annotated[str | None, "Which worker ran it."]
    priority: Annotated[int, "Of the runs that wait for a worker those of 9 start first, those of 0 last."]
    limit_key: Annotated[str | None, "The key whose places it shares with other jobs."]
    waits_for: Annotated[str | None, "While it is queued: what it waits for besides a worker, for people."]
    requested_by: Annotated[
        str | None, "Who started it by hand; of due times that were not run, who had paused the job."
    ]
    blocked_by: Annotated[Uid | None, "The earlier run that it waits for, or was skipped for."]
    caused_by: Annotated[Uid | None, "The run of another job after which it was started."]


def execution_json(run: Execution) -> ExecutionJson:
    """A row out of `for_wire`."""
    return _told(run, written.of([run]).get(run.pk, written.NOTHING))


def listed_json(runs: Sequence[Execution]) -> list[ExecutionJson]:
    """The same of a list, which tells the beginning of a long error."""
    logs = written.of(runs)
    return [_shortened(_told(run, logs.get(run.pk, written.NOTHING))) for run in runs]


def _told(run: Execution, log: Written) -> ExecutionJson:
    others = cast("_Named", run)
    github = run.kind == Job.Kind.GITHUB_ACTIONS
    return {
        "id": str(run.uid),
        "job_id": str(run.job_uid),
        "job_name": run.job_name,
        "status": STATUS[run.state],
        "trigger_type": run.trigger,
        "started_at": moment(run.started_at),
        "completed_at": moment(run.finished_at),
        "duration_seconds": run.duration,
        "execution_type": run.kind if github or run.kind == Job.Kind.WEBHOOK else None,
        "target": run.target,
        "github_repo": run.target.split("/")[1] if github and run.target.count("/") == 2 else None,
        "response_status": run.response_status,
        "error_message": _error(run),
        "output": _output(run, log),
        "state": run.state,
        "reason": run.reason or None,
        "kind": run.kind,
        "scheduled_for": moment(run.scheduled_for),
        "due_at": moment(run.due_at),
        "created_at": moment(run.created_at),
        "slots": run.slots,
        "last_slot": moment(run.last_slot),
        "attempt": run.attempt,
        "next_attempt_at": moment(run.next_attempt_at),
        "stopping": run.is_stopping,
        "suspended_at": moment(run.suspended_at),
        "exit_code": run.exit_code,
        "result": run.result or None,
        "peak_memory": run.peak_memory,
        "mean_memory": run.mean_memory,
        "cpu_seconds": run.cpu_seconds,
        "worker": run.worker or None,
        "priority": run.priority,
        "limit_key": run.limit_key or None,
        "waits_for": concurrency.described(run) or None,
        "requested_by": others.requested_by_name,
        "blocked_by": str(others.blocked_by_uid) if others.blocked_by_uid else None,
        "caused_by": str(others.caused_by_uid) if others.caused_by_uid else None,
    }


def _shortened(told: ExecutionJson) -> ExecutionJson:
    error = told["error_message"]
    if error and len(error) > LISTED_ERROR:
        told["error_message"] = f"{error[:LISTED_ERROR]}…"
    return told


def _error(run: Execution) -> str | None:
    """What went wrong in the run's own words, else why it has the outcome that it has; of what was skipped both."""
    if run.state == State.SKIPPED and run.error:
        return ": ".join(filter(None, (str(run.get_reason_display()), run.error)))
    if run.error or run.state == State.SUCCESS:
        return run.error or None
    return str(run.get_reason_display()) or None


def _output(run: Execution, log: Written) -> str | None:
    """The beginning of what the last attempt wrote: of code its output, of calls the answer's body.

    A call logs its request and its status before; the body, when there is one, is the piece that was written last.
    """
    if run.kind in Job.CODE_KINDS:
        return _beginning(log) if log.first else log.first
    return log.last if log.goes_on else None


def stored(run: Execution) -> ExecutionJson:
    """A run as it is now."""
    return execution_json(for_wire(Execution.objects.filter(pk=run.pk)).get())


def _beginning(log: Written) -> str:
    """As a terminal shows it. A line that is still written over where this ends, such as a progress bar, is left out: what it
    says there is long out of date. Where there is nothing else, the last of it is told instead.
    """
    text = log.first or ""
    if len(text) < OUTPUT:
        text = (text + (log.second or ""))[:OUTPUT]
    lines, end, line = text.rpartition("\n")
    if "\r" in line and (log.goes_on or len(text) == OUTPUT):
        return as_shown(lines) + end or as_shown(log.last or "")
    return as_shown(text)
