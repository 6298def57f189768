"""What the API's document says of jobs and of the tools around them."""

from __future__ import annotations

from typing import Any

from jobs.rest.schema_job import CHANGES, JOB, NEW, WRITTEN
from scheduler_site.openapi.schema import (
    CHANGED,
    EITHER,
    IF_MATCH,
    Route,
    Schema,
    answer,
    body,
    constant,
    listing,
    maybe,
    route,
    text,
    uid,
    whole,
    word,
)

TAG = "Jobs"
CHANGERS = "For administrators and the job's owner."
# Also 403: a foreign job, and code without the right to it.
NOT_YOURS = {403: ("The role, or this job, or code on the server, is not for this account.", EITHER)}


def _changed(message: Schema, name: str) -> Any:
    return answer(name, "The job as it is now.", {"message": message, "job": WRITTEN})


JOBS: Route = {
    "get": route(
        "list_jobs",
        "All jobs, the newest first",
        TAG,
        {
            200: (
                "All that this account may see; there are no pages.",
                answer("Jobs", "Jobs.", {"count": whole("How many."), "jobs": listing("The jobs.", JOB)}),
            )
        },
    ),
    "post": route(
        "create_job",
        "Make a job",
        TAG,
        {
            201: ("The new job.", _changed(constant("Job created successfully"), "JobCreated")),
            **NOT_YOURS,
            409: "A job that it is to follow is gone, or follows it already.",
        },
        about="For users and administrators. The first fault is told.",
        takes=NEW,
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
    ),
}
JOB_: Route = {
    "get": route("get_job", "One job", TAG, {200: ("The job.", answer("", "The job.", {"job": JOB}))}),
    "put": route(
        "update_job",
        "Change a job",
        TAG,
        {
            200: ("The job as it is now.", _changed(constant("Job updated successfully"), "JobUpdated")),
            **NOT_YOURS,
            409: "A job that it is to follow is gone, or follows it already.",
            412: CHANGED,
        },
        about=f"{CHANGERS} A refused change changes nothing.",
        headers=IF_MATCH,
        takes=CHANGES,
        examples={"Another time": {"cron_expression": "30 3 * * *"}, "Paused": {"is_active": False}},
    ),
    "delete": route(
        "delete_job",
        "Remove a job",
        TAG,
        {
            200: (
                "It is gone; its runs are kept for a while.",
                answer(
                    "JobDeleted",
                    "What was removed.",
                    {
                        "message": constant("Job deleted successfully"),
                        "deleted_job": answer(
                            "", "The job.", {"id": uid("Its id."), "name": text("Its name.")}
                        ),
                    },
                ),
            ),
            **NOT_YOURS,
            412: CHANGED,
        },
        about=CHANGERS,
        headers=IF_MATCH,
    ),
}
PAUSE: Route = {
    "post": route(
        "pause_job",
        "Pause a job",
        TAG,
        {
            200: (
                "The job as it is now.",
                _changed(
                    word("Whether anything changed.", ["Job paused successfully", "Job is paused already"]),
                    "JobPaused",
                ),
            ),
            **NOT_YOURS,
            409: "It has no schedule that could be paused.",
        },
        about=f"{CHANGERS} It can still be run by hand.",
        takes=body(
            "PauseChoice",
            "Why, and until when.",
            {
                "reason": maybe(text("Why.", maxLength=500)),
                "until": maybe(
                    text("Until when: ISO 8601, in the future; without an offset in the job's time zone.")
                ),
            },
        ),
        optional=True,
        examples={"For a while": {"reason": "Migration", "until": "2030-03-29T03:00:00+02:00"}},
    )
}
RESUME: Route = {
    "post": route(
        "resume_job",
        "Resume a job",
        TAG,
        {
            200: (
                "The job as it is now. Nothing runs before its next due time.",
                _changed(
                    word("Whether anything changed.", ["Job resumed successfully", "Job is active already"]),
                    "JobResumed",
                ),
            ),
            **NOT_YOURS,
            409: "It has no schedule that could be resumed.",
        },
        about=CHANGERS,
        takes=body("Nothing", "Nothing is looked at.", {}),
        optional=True,
    )
}
