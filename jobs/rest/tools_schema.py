"""What the API's document says of the tools around jobs: files of jobs, cron expressions, tried targets."""

from __future__ import annotations

from jobs.rest.schema_job import DAY_RULE, GITHUB, METADATA, TARGET_URL, ZONE
from scheduler_site.openapi.schema import (
    ERROR,
    WARNINGS,
    Route,
    answer,
    body,
    constant,
    day,
    either,
    flag,
    listing,
    maybe,
    moment,
    number,
    route,
    text,
    uid,
    whole,
    word,
)

TAG = "Tools"
JOBS_TAG = "Jobs"
_ROW = answer(
    "BulkFault",
    "A row that gave no job.",
    {
        "row": whole("Its number; the header is 1, blank rows are not counted."),
        "job_name": text("The name in it."),
        "error": text("The label of what is wrong."),
        "message": text("The reason, for people."),
        "pic_team": text("The team in it, where that is what is wrong."),
        "pic_team_slug": text("The same as a slug."),
    },
    optional=("job_name", "message", "pic_team", "pic_team_slug"),
)
_BULK_JOB = answer(
    "BulkJob",
    "A job that was made, or in a dry run would have been.",
    {
        "id": uid("Its id; not in a dry run."),
        "name": text("Its name."),
        "is_active": flag("Whether its schedule is in force."),
        "cron_expression": text("Its schedule; in a dry run."),
        "end_date": maybe(day("Its last day; in a dry run.")),
        "pic_team": maybe(text("The slug of its team; in a dry run.")),
    },
    optional=("id", "cron_expression", "end_date", "pic_team"),
)
REPORT = answer(
    "BulkReport",
    "What became of the rows.",
    {
        "error": text("Only when no row is good."),
        "message": text("The same in words."),
        "dry_run": flag("Whether nothing was stored."),
        "stats": answer(
            "",
            "What was in the file.",
            {
                "original_column_count": whole("Columns in the file."),
                "original_row_count": whole("Rows in the file, without the header."),
                "removed_column_count": whole("Columns without a header."),
                "removed_empty_row_count": whole("Blank rows."),
            },
        ),
        "created_count": whole("How many rows are good."),
        "error_count": whole("How many are not."),
        "errors": listing("Those that are not.", _ROW),
        "jobs": listing("The jobs of those that are.", _BULK_JOB),
        "warnings": WARNINGS,
    },
    optional=("error", "warnings"),
)
BULK: Route = {
    "post": route(
        "upload_jobs",
        "Make many jobs out of a CSV file",
        JOBS_TAG,
        {
            200: ("At least one row is good, or there is none at all.", REPORT),
            400: (
                "No file, no table, or no good row.",
                either("A refusal, or the report.", REPORT, ERROR),
            ),
        },
        about="For users and administrators. Each good row becomes a job, whatever is wrong with others.",
        takes=body(
            "BulkUpload",
            "The file and how to take it.",
            {
                "file": text("The CSV file, in UTF-8.", format="binary"),
                "default_github_owner": text("The owner of repositories where a row names none."),
                "dry_run": text("`true`, `1`, `yes`, `y` or `on`: only look.", examples=["true"]),
            },
            required=["file"],
        ),
        media="multipart/form-data",
    )
}
_CRON = body(
    "CronQuestion",
    "A cron expression.",
    {
        "expression": maybe(text("The expression.", examples=["0 2 * * 1-5"])),
        "cron_expression": maybe(text("The same, where `expression` is not given.")),
        "timezone": maybe(ZONE),
        "day_rule": maybe(DAY_RULE),
    },
)
VALIDATE_CRON: Route = {
    "post": route(
        "validate_cron",
        "Is this a cron expression?",
        TAG,
        {
            200: (
                "Whether it is, and why not.",
                answer(
                    "CronVerdict",
                    "Whether it can be used.",
                    {
                        "valid": flag("Whether it can."),
                        "message": text("The reason, for people."),
                        "error": constant("Invalid cron expression"),
                        "in_words": text("What it says."),
                    },
                    optional=("error", "in_words"),
                ),
            )
        },
        takes=_CRON,
        examples={"Weekdays at two": {"expression": "0 2 * * 1-5"}},
    )
}
CRON_PREVIEW: Route = {
    "post": route(
        "preview_cron",
        "When would it run?",
        TAG,
        {
            200: (
                "The next due times.",
                answer(
                    "CronPreview",
                    "The next due times.",
                    {
                        "timezone": text("The zone that they are in."),
                        "next_runs": listing("The due times.", moment("With its offset.")),
                        "count": whole("How many."),
                        "message": text("Why there is none."),
                        "notes": listing(
                            "What clock changes do to some of them.",
                            answer(
                                "",
                                "A note.",
                                {"at": moment("The due time."), "note": text("What is odd about it.")},
                            ),
                        ),
                    },
                    optional=("message", "notes"),
                ),
            )
        },
        takes=body(
            "PreviewQuestion",
            "A cron expression, and how much of it to show.",
            _CRON["properties"]
            | {
                "count": maybe(whole("How many; at most 20, none when negative.", default=5)),
                "start": maybe(text("From when on: ISO 8601; from now without one.")),
            },
        ),
        examples={"The next three": {"expression": "0 2 * * 1-5", "count": 3}},
    )
}
TEST_RUN: Route = {
    "post": route(
        "test_target",
        "Try a target",
        TAG,
        {
            200: (
                "What the target said; also when it could not be reached.",
                answer(
                    "TestRun",
                    "What the target said.",
                    {
                        "ok": flag("Whether that is a success."),
                        "type": word("What was tried.", ["webhook", "github"]),
                        "status_code": maybe(whole("The status of the answer.")),
                        "error": text("A label, when there was no answer."),
                        "message": text("The same in words."),
                    },
                    optional=("status_code", "error"),
                ),
            ),
            429: "Too many tries in this minute, or at once.",
        },
        about="For users and administrators. Stores nothing. A URL goes before a workflow.",
        takes=body(
            "Target",
            "What to try: `target_url`, or all of `github_...`.",
            {
                "target_url": maybe(TARGET_URL),
                **{name: maybe(schema) for name, schema in GITHUB.items()},
                "metadata": maybe(METADATA),
                "timeout_seconds": maybe(number("How long to wait: 1 to 30.", default=10)),
            },
        ),
    )
}
