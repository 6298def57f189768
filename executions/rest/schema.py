"""What the API's document says of runs, of the scheduler, and of the system's health."""

from __future__ import annotations

from executions.models import Reason, State, Trigger
from jobs.models import Job
from scheduler_site.openapi.query import PAGE, RANGE, between
from scheduler_site.openapi.schema import (
    EITHER,
    FAULTS,
    Route,
    Schema,
    answer,
    body,
    constant,
    either,
    flag,
    listing,
    mapping,
    maybe,
    moment,
    number,
    route,
    text,
    uid,
    whole,
    word,
)

TAG = "Runs"
LIMITS = {422: ("A number that is none, or out of bounds.", FAULTS)}
EXECUTION = answer(
    "Execution",
    "A run, or a due time that was missed or skipped.",
    {
        "id": uid("The run's id."),
        "job_id": uid("The job's id; the job itself may be gone."),
        "job_name": text("The job's name at the time."),
        "status": word(
            "How it stands. Waiting counts as running; timeout, stopped, lost and error count as failed.",
            ["running", "success", "failed", "missed", "skipped"],
        ),
        "trigger_type": word("What started it.", Trigger.values),
        "started_at": maybe(moment("When it was started.")),
        "completed_at": maybe(moment("When it ended.")),
        "duration_seconds": maybe(number("How long it took, all attempts.")),
        "execution_type": maybe(word("What was called; null for code.", ["webhook", "github_actions"])),
        "target": text("What was called or run.", examples=["https://example.com/backup"]),
        "github_repo": maybe(text("The repository of a workflow.")),
        "response_status": maybe(whole("The status of the answer to a call.")),
        "error_message": maybe(text("What went wrong.")),
        "output": maybe(text("The first 1000 characters of the answer, or of what code wrote.")),
        "state": word("How it stands, exactly.", State.values),
        "reason": maybe(
            word(
                "Why it has this outcome, where the state alone does not say it.", filter(None, Reason.values)
            )
        ),
        "kind": word("The kind of job.", Job.Kind.values),
        "scheduled_for": maybe(moment("The due time that it stands for; null when started by hand.")),
        "due_at": moment("When it was due or asked for; lists are in this order."),
        "created_at": moment("When it was written down."),
        "slots": whole("How many due times in a row it stands for."),
        "last_slot": maybe(moment("The last of them, where there are several.")),
        "attempt": whole("The number of its last attempt, from 1; 0 before the first."),
        "next_attempt_at": maybe(moment("When the next attempt comes.")),
        "stopping": flag("Whether it was asked to stop and has not yet."),
        "suspended_at": maybe(moment("Since when it stands still, while it is suspended.")),
        "exit_code": maybe(whole("The exit code of code.")),
        "result": maybe(text("What code gave back, as JSON.")),
        "peak_memory": maybe(whole("The most memory that it used, in bytes.")),
        "mean_memory": maybe(whole("The memory that it used on average, in bytes.")),
        "cpu_seconds": maybe(number("The CPU time of all processes of its last attempt, in seconds.")),
        "worker": maybe(text("Which worker ran it.")),
        "requested_by": maybe(
            text("Who started it by hand; of due times that were not run, who had paused the job.")
        ),
        "blocked_by": maybe(uid("The earlier run that it waits for, or was skipped for.")),
        "caused_by": maybe(uid("The run of another job after which it was started.")),
    },
)
CURSORS: dict[str, Schema] = {
    "next_cursor": maybe(text("What to give as `cursor` for older runs; null at the end.")),
    "previous_cursor": maybe(text("What to give as `cursor` for newer runs; null at the beginning.")),
}
CURSOR = text("`next_cursor` or `previous_cursor` of an earlier answer; empty for the beginning.")
CHOICE: dict[str, Schema] = {
    "status": text(
        "Only these, separated by commas: running, success, failed, missed, skipped. Without `status` and `state` "
        "all runs, but no missed or skipped due times.",
        examples=["failed,running"],
    ),
    "state": text(f"Only these, separated by commas: {', '.join(State.values)}."),
    "trigger_type": text(f"Only these, separated by commas: {', '.join(Trigger.values)}."),
    "execution_type": text(f"Only these kinds of job, separated by commas: {', '.join(Job.Kind.values)}."),
    "job_id": text("Only the runs of the job with this id."),
    **RANGE,
}
RUNS = listing("The runs.", EXECUTION)
EXECUTE: Route = {
    "post": route(
        "run_job",
        "Run a job now",
        TAG,
        {
            200: (
                "It was started, and may have ended; a run that failed is a good answer too.",
                answer(
                    "Triggered",
                    "The run.",
                    {
                        "message": constant("Job triggered successfully"),
                        "job_id": uid("The job's id."),
                        "execution": EXECUTION,
                    },
                ),
            ),
            403: ("The role, or this job, is not for this account.", EITHER),
            409: "An earlier run goes on, and the job's rule is to skip; or the key was used for another request.",
        },
        about=(
            "For administrators and the job's owner. The answer waits for the end of calls: 15 seconds, or as long as `wait` "
            "says; after that the run goes on by itself. What is given here holds for this run only."
        ),
        headers={
            "Idempotency-Key": text(
                "The same key within 24 hours means the same request: it is answered with the run that it started.",
                pattern=r"^[\x20-\x7e]{1,255}$",
            )
        },
        told={"Idempotency-Replayed": text("`true` where the run is that of an earlier request.")},
        query={"wait": number("The same as in the body.", minimum=0, maximum=60)},
        takes=body(
            "Overrides",
            "What is different this time; blank texts and null leave what is stored.",
            {
                "metadata": maybe(mapping("Instead of the job's metadata.")),
                "target_url": maybe(text("Instead of the webhook's address.")),
                "dispatch_url": maybe(
                    text("Another workflow: its address on GitHub, or `owner/repo/workflow`.")
                ),
                "github_owner": maybe(text("Another owner.")),
                "github_repo": maybe(text("Another repository.")),
                "github_workflow_name": maybe(text("Another workflow.")),
                "github_token": maybe(
                    text(
                        "Another token. It is kept encrypted, shown to nobody, and forgotten when the run has ended.",
                        writeOnly=True,
                    )
                ),
                "wait": maybe(number("Seconds to wait for the end.", minimum=0, maximum=60)),
            },
        ),
        optional=True,
        examples={"As it is": {}, "With other metadata": {"metadata": {"branchDetails": "main"}, "wait": 0}},
    )
}
JOB_EXECUTIONS: Route = {
    "get": route(
        "list_job_executions",
        "The runs of a job, the latest due first",
        TAG,
        {
            200: (
                "The first of them, or those after the cursor.",
                answer(
                    "JobExecutions",
                    "Runs of one job.",
                    {
                        "job_id": uid("The job's id."),
                        "job_name": text("The job's name."),
                        "total_executions": whole("How many are in this answer."),
                        "executions": RUNS,
                        **CURSORS,
                    },
                ),
            ),
            **LIMITS,
        },
        query={
            **CHOICE,
            "limit": whole("How many.", minimum=1, maximum=200, default=50),
            "cursor": CURSOR,
        },
    )
}
_COUNTS = {
    "success_rate": number("Percent of all runs; 0 when there is none."),
}
JOB_STATISTICS: Route = {
    "get": route(
        "get_job_statistics",
        "How a job has done",
        TAG,
        {
            200: (
                "Counts over all of its runs.",
                answer(
                    "JobStatistics",
                    "Counts over the runs of one job.",
                    {
                        "job_id": uid("The job's id."),
                        "job_name": text("The job's name."),
                        "statistics": answer(
                            "",
                            "The counts.",
                            {
                                "total_executions": whole("All runs."),
                                "success_count": whole("Those that succeeded."),
                                "failed_count": whole("Those that failed."),
                                "running_count": whole("Those that run or wait."),
                                **_COUNTS,
                                "average_duration_seconds": maybe(number("Of those that succeeded.")),
                            },
                        ),
                        "latest_execution": maybe(EXECUTION),
                    },
                ),
            )
        },
    )
}
JOB_EXECUTION: Route = {
    "get": route(
        "get_job_execution",
        "One run of a job",
        TAG,
        {
            200: (
                "The run.",
                answer(
                    "JobExecution",
                    "A run and its job.",
                    {
                        "job": answer("", "The job.", {"id": uid("Its id."), "name": text("Its name.")}),
                        "execution": EXECUTION,
                    },
                ),
            )
        },
    )
}
_PAGE = {"executions": RUNS, "limit": whole("How many at the most."), **CURSORS}
EXECUTIONS: Route = {
    "get": route(
        "list_executions",
        "Runs of all jobs, the latest due first",
        TAG,
        {
            200: (
                "By `page` with a total, or by `cursor` without one.",
                either(
                    "A page with or without a count.",
                    answer(
                        "NumberedPage",
                        "A page by its number.",
                        _PAGE
                        | {
                            "total": whole("How many match on all pages."),
                            "page": whole("The number of this page, from 1."),
                            "total_pages": whole("How many pages there are; 0 when nothing matches."),
                        },
                    ),
                    answer("FollowingPage", "What follows a cursor.", _PAGE),
                ),
            ),
            **LIMITS,
        },
        query={
            **CHOICE,
            "page": PAGE,
            "limit": whole("How many on a page.", minimum=1, maximum=200, default=20),
            "cursor": CURSOR | {"description": f"{CURSOR['description']} Takes the place of `page`."},
        },
    )
}
STATISTICS: Route = {
    "get": route(
        "get_statistics",
        "How all jobs have done",
        TAG,
        {
            200: (
                "Counts over the runs that match.",
                answer(
                    "Statistics",
                    "Counts over runs.",
                    {
                        "total_executions": whole("All runs."),
                        "successful_executions": whole("Those that succeeded."),
                        "failed_executions": whole("Those that failed."),
                        "running_executions": whole("Those that run or wait."),
                        **_COUNTS,
                        "average_duration_seconds": number("Of all that have one; 0 when none has."),
                        "range": between(),
                    },
                ),
            )
        },
        query={"job_id": CHOICE["job_id"], **RANGE},
    )
}
ONE: Route = {
    "get": route(
        "get_execution",
        "One run",
        TAG,
        {200: ("The run.", answer("", "The run.", {"execution": EXECUTION}))},
    )
}
STOP: Route = {
    "post": route(
        "stop_execution",
        "Stop a run",
        TAG,
        {
            200: (
                "It was asked to stop; a waiting one has ended.",
                answer(
                    "StopRequested",
                    "The run as it is now.",
                    {"message": constant("Execution stop requested"), "execution": EXECUTION},
                ),
            ),
            403: ("The role, or this job, is not for this account.", EITHER),
            409: "It has ended already.",
        },
        takes=body("Nothing", "Nothing is looked at.", {}),
        optional=True,
    )
}


def _suspension(operation: str, title: str, about: str, message: str) -> Route:
    return {
        "post": route(
            operation,
            title,
            TAG,
            {
                200: (
                    "It was, or it was so already.",
                    answer(
                        message.title().replace(" ", ""),
                        "The run as it is now.",
                        {"message": constant(message), "execution": EXECUTION},
                    ),
                ),
                403: ("The role, or this job, is not for this account.", EITHER),
                409: "It is no run of code, has not started, is being stopped or has ended.",
            },
            about=about,
            takes=body("Nothing", "Nothing is looked at.", {}),
            optional=True,
        )
    }


SUSPEND = _suspension(
    "suspend_execution",
    "Suspend a run of code",
    "All its processes stand still, and so does its time limit. It can be stopped all the same.",
    "Execution suspended",
)
RESUME = _suspension(
    "resume_execution", "Resume a suspended run", "It goes on where it stood.", "Execution resumed"
)
LOG: Route = {
    "get": route(
        "get_log",
        "What a run wrote",
        TAG,
        {200: ("All of it, of all attempts.", text("The output."))},
        gives="text/plain",
    )
}
ARTIFACTS: Route = {
    "get": route(
        "list_artifacts",
        "The files that a run left",
        TAG,
        {
            200: (
                "All of them, up to 10000; the last attempt's first.",
                answer(
                    "Artifacts",
                    "The files of a run.",
                    {
                        "total": whole("How many there are."),
                        "artifacts": listing(
                            "The files.",
                            answer(
                                "Artifact",
                                "A file that a run left in the directory BELFRY_ARTIFACTS.",
                                {
                                    "name": text("Its path in that directory.", examples=["plots/daily.png"]),
                                    "size": whole("Its size in bytes."),
                                    "attempt": whole("The attempt that left it."),
                                },
                            ),
                        ),
                    },
                ),
            )
        },
        about="They are kept as long as the run.",
    )
}
ARTIFACT: Route = {
    "get": route(
        "get_artifact",
        "One of the files that a run left",
        TAG,
        {200: ("Its bytes, to be saved and not to be shown.", text("The file.", format="binary")), **LIMITS},
        query={
            "attempt": whole(
                "Of this attempt; without it, of the last one that left it.", minimum=0, maximum=32767
            )
        },
        gives="application/octet-stream",
    )
}
MEASUREMENTS: Route = {
    "get": route(
        "get_measurements",
        "Memory and CPU time of a run over its time",
        TAG,
        {
            200: (
                "For each attempt that was measured.",
                answer(
                    "Measurements",
                    "What was measured of a run of code.",
                    {
                        "measurements": listing(
                            "The attempts, the first one first.",
                            answer(
                                "Measurement",
                                "One attempt.",
                                {
                                    "attempt": whole("Its number."),
                                    "points": listing(
                                        "At most a few hundred, the oldest first.",
                                        answer(
                                            "Point",
                                            "All processes of the attempt together.",
                                            {
                                                "seconds": number("Since the attempt's start."),
                                                "memory": whole("Bytes at this moment."),
                                                "cpu_seconds": number("CPU time so far."),
                                            },
                                        ),
                                    ),
                                },
                            ),
                        )
                    },
                ),
            )
        },
    )
}
