"""A job in the words of the API's document: as it is answered, and as it is sent."""

from __future__ import annotations

from typing import Any

from jobs.models import Dependency, Job
from jobs.models.fields import PLAIN, JobField
from jobs.models.shapes import bounds_of, column_of, shape_of
from jobs.runners.python_class import LONGEST_PATH
from scheduler_site.openapi.schema import (
    Schema,
    answer,
    anything,
    body,
    day,
    either,
    flag,
    listing,
    mapping,
    maybe,
    moment,
    number,
    stamp,
    text,
    uid,
    whole,
    word,
)

CRON = text(
    "Five fields in the job's time zone, 0 and 7 are Sunday; with both day fields set, either matches unless `day_rule` "
    "is both. Names, lists, ranges, steps, `L`, `5#3` and macros such as `@daily` are known.",
    maxLength=100,
    examples=["0 2 * * *"],
)
TARGET_URL = text(
    "What a webhook calls: GET, or POST with the metadata when there is any. `owner/repo/workflow` means a workflow.",
    examples=["https://example.com/backup"],
)
GITHUB = {
    "github_owner": text("The owner of the repository, where it is not the usual one."),
    "github_repo": text("The repository."),
    "github_workflow_name": text("The workflow: its file or its number.", examples=["backup.yml"]),
}
METADATA = mapping("Whatever belongs to the job; it is sent along with each run.")
ON = word("How a run of it must have ended.", Dependency.On.values, default="success")
DAY_RULE = word(
    "Whether a day must match either of the day fields or both, when both are set.", ["either", "both"]
)
PERIOD = word("The unit of `every`.", ["seconds", "minutes", "hours", "days"])
ZONE = text("A time zone by its IANA name.", examples=["Asia/Tokyo"])
KIND = word("What kind of job it is.", Job.Kind.values)

WEBHOOK = answer(
    "WebhookOptions",
    "Of a webhook.",
    {
        "target_url": TARGET_URL,
        "method": word(
            "The method, where it is not the usual one.", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
        ),
        "headers": mapping("Headers to send; `${NAME}` stands for a secret.", text("The value.")),
        "body": anything("What to send: a text as it is, or any JSON value."),
        "connect_timeout": number("Seconds until there must be a connection.", minimum=0.1, maximum=300),
        "success_codes": text(
            "The statuses that count as success, where not all of 2xx.", examples=["200-299,304"]
        ),
        "follow_as_get": flag(
            "Whether a POST that is answered by 301 or 302 goes on as GET, without its body."
        ),
        "answer_contains": text("A text that must be in the first MiB of the answer."),
        "answer_lacks": text("A text that must not be in the answer."),
        "answer_json": mapping(
            "What a JSON answer must hold: paths such as `items.0.id`, and values.", anything("The value.")
        ),
    },
    optional=(
        *("method", "headers", "body", "connect_timeout", "success_codes"),
        *("follow_as_get", "answer_contains", "answer_lacks", "answer_json"),
    ),
)
WORKFLOW = answer(
    "WorkflowOptions",
    "Of a GitHub Actions workflow.",
    {
        "owner": text("The owner of the repository.", maxLength=39),
        "repo": text("The repository.", maxLength=100),
        "workflow": text("The workflow: its file or its number.", maxLength=204),
        "ref": text("The branch or tag; master without one.", maxLength=255),
        "follow": flag("Whether the run goes on until the workflow has ended."),
        "target_url": text("An address that is only kept."),
    },
    optional=("ref", "follow", "target_url"),
)
PYTHON_CLASS = answer(
    "PythonClassOptions",
    "Of a Python class.",
    {
        "job_class": text(
            "The dotted path of the class.", maxLength=255, examples=["jobs.classes.sample.AwesomeJob"]
        ),
        "args": listing("The arguments of its `run`.", anything("Any JSON value."), maxItems=100),
        "fail_on_exit_code": flag(
            "Whether an exit code other than 0 is a failure; yes where it is not said."
        ),
        "working_directory": text(
            "Where it runs: an absolute path on the server; without one in a directory of its own, removed afterwards.",
            maxLength=LONGEST_PATH,
        ),
    },
    optional=("args", "fail_on_exit_code", "working_directory"),
)
SCRIPT = answer(
    "ScriptOptions",
    "Of a Python script: its text, or the path of its file.",
    {
        "script": text("The text, kept as it is sent; in UTF-8 at most SCRIPT_MAX_BYTES."),
        "path": text("The path of a file on the server, below one of SCRIPT_DIRECTORIES.", maxLength=4096),
        "arguments": listing("What it gets in `sys.argv`.", text("An argument."), maxItems=1000),
        "variables": mapping("Environment variables to set.", text("The value.")),
        "memory_limit": whole("MiB of memory for all its processes.", minimum=1, maximum=64 * 1024 * 1024),
        "cpu_limit": whole("Seconds of CPU time for all its processes.", minimum=1, maximum=10**9),
        "requirements": text(
            "What must be installed in its environment: requirement lines as pip reads them."
        ),
    },
    optional=("script", "path", "arguments", "variables", "memory_limit", "cpu_limit", "requirements"),
)
OPTIONS = either("What the kind of job needs.", WEBHOOK, WORKFLOW, PYTHON_CLASS, SCRIPT)
ENVIRONMENT = text("The environment of a script, by name.", maxLength=64, examples=["reports"])

SCHEDULE = answer(
    "Schedule",
    "When it runs; what its kind does not use is null.",
    {
        "kind": word(
            "By a cron expression, at an interval, once, or only by hand.",
            ["cron", "interval", "once", "none"],
        ),
        "expression": maybe(text("The cron expression.")),
        "timezone": ZONE,
        "day_rule": DAY_RULE,
        "every": maybe(whole("How many periods lie between two runs.")),
        "period": maybe(PERIOD),
        "at": maybe(moment("When it runs once, in its time zone.")),
        "in_words": text("The same in words; empty when it cannot be read."),
    },
)
PAUSE = answer(
    "Pause",
    "Why it does not run at present.",
    {
        "since": stamp("Since when."),
        "until": maybe(moment("Until when; null until somebody resumes it.")),
        "by": maybe(text("Who paused it.")),
        "reason": text("Why; may be empty."),
    },
)
EDGE = answer("Dependency", "A job to run after.", {"job": uid("That job's id."), "on": ON})


def plain(field: JobField) -> Schema:
    """A field that is sent and answered as it is stored, by its column."""
    column, about = column_of(field.name), field.about
    rules: dict[str, Any] = bounds_of(field)
    if column.has_default() and column.default != "":
        rules["default"] = column.default
    if field.examples:
        rules["examples"] = list(field.examples)
    match shape_of(field):
        case "text":
            schema = text(about, maxLength=column.max_length, **rules)
        case "choice":
            schema = word(about, [value for value, _label in column.choices or ()], **rules)
        case "number":
            schema = whole(about, **rules)
        case "flag":
            schema = flag(about, **rules)
    return maybe(schema) if column.null else schema


# What is answered as it was sent.
RULES = {field.name: plain(field) for field in PLAIN}
MAIL: dict[str, Schema] = {
    "enable_email_notifications": flag("Whether mail is sent when a scheduled run fails.", default=False),
    "notification_emails": listing(
        "Who gets it; kept while mail is on.", text("An address.", format="email")
    ),
    "notify_on_success": flag("Whether mail is sent after a success as well.", default=False),
}

_WRITTEN: dict[str, Schema] = {
    "id": uid("The job's id."),
    "cron_expression": text("The cron expression; empty where it runs otherwise.", examples=["0 2 * * *"]),
    "target_url": maybe(text("The address of a webhook.")),
    **{name: maybe(schema) for name, schema in GITHUB.items()},
    "metadata": METADATA,
    "category": text("The category's slug.", examples=["general"]),
    "end_date": maybe(day("The last day on which it runs.")),
    "pic_team": maybe(text("The slug of the team in charge.")),
    **MAIL,
    "created_by": maybe(uid("Its owner.")),
    "is_active": flag("Whether its schedule is in force."),
    "created_at": stamp("When it was made."),
    "updated_at": stamp("When it was last changed."),
    "kind": KIND,
    "options": OPTIONS,
    "environment": maybe(ENVIRONMENT),
    "environment_id": maybe(uid("The id of that environment.")),
    "schedule": SCHEDULE,
    **RULES,
    "pause": maybe(PAUSE),
    "resumes_at": maybe(
        moment(
            "When its pause ends by itself, in the scheduler's zone; null: not paused, or until somebody resumes it."
        )
    ),
    "broken": text("Why it cannot be scheduled; empty when it can."),
    "secrets": listing("The names of its secrets; the values are never told.", text("A name.")),
    "depends_on": listing("The jobs that it runs after.", EDGE),
}
WRITTEN = answer("WrittenJob", "A job after a change.", _WRITTEN)
JOB = answer(
    "Job",
    "A job.",
    _WRITTEN
    | {
        "last_execution_at": maybe(
            text(
                "When it was last started, in UTC: with Z in the list, without an offset in the single read."
            )
        ),
        "next_execution_at": maybe(moment("When it is due next, in the scheduler's zone; null when paused.")),
    },
)

# Parts of a schedule that may stand beside `schedule` as well.
_BESIDE: dict[str, Schema] = {
    "schedule_kind": maybe(word("The kind of schedule.", ["cron", "interval", "once", "none"])),
    "timezone": maybe(ZONE),
    "day_rule": maybe(DAY_RULE),
    "every": maybe(whole("How many periods lie between two runs.", minimum=1, maximum=100_000_000)),
    "period": maybe(PERIOD),
    "at": maybe(text("When it runs once: ISO 8601, without an offset in its time zone.")),
}
_SENT: dict[str, Schema] = {
    "cron_expression": maybe(CRON),
    "schedule": maybe(
        body(
            "ScheduleChoice",
            "When it runs; the kind follows from what is given.",
            {
                "kind": _BESIDE["schedule_kind"],
                "expression": maybe(CRON),
                **{name: schema for name, schema in _BESIDE.items() if name != "schedule_kind"},
            },
        )
    ),
    **_BESIDE,
    "kind": maybe(KIND),
    "options": maybe(OPTIONS),
    "environment": maybe(
        text("The environment of a script, by name or id; other kinds have none.", maxLength=64)
    ),
    "environment_id": maybe(text("The same by id, where `environment` is not given.", maxLength=64)),
    "target_url": maybe(TARGET_URL),
    **{name: maybe(schema) for name, schema in GITHUB.items()},
    "metadata": maybe(METADATA),
    "category": maybe(text("A category by slug or name; without one, general.", maxLength=100)),
    "end_date": maybe(day("The last day on which it runs; a year from today unless set otherwise.")),
    "pic_team": maybe(text("The team in charge, by slug or name.", maxLength=100)),
    "pic_team_slug": maybe(text("The same, where `pic_team` is not given.", maxLength=100)),
    **{name: maybe(schema) for name, schema in (MAIL | RULES).items()},
    "secrets": maybe(mapping("Secrets to set, by name; null takes one away.", maybe(text("The value.")))),
    "depends_on": maybe(
        listing(
            "The jobs to run after; replaces the former ones.",
            body(
                "DependencyChoice",
                "A job to run after.",
                {"job": uid("That job's id."), "on": ON},
                required=["job"],
            ),
            maxItems=50,
        )
    ),
}
NEW = body(
    "NewJob",
    "A job to make: a name, a schedule (`cron_expression` or `schedule`) and a target. Null counts as absent.",
    _SENT,
    required=["name"],
)
CHANGES = body(
    "JobChanges",
    "What is to be changed; what is not named stays. An empty `target_url` or `github_...` clears it.",
    _SENT | {"is_active": maybe(flag("Whether its schedule is in force."))},
)
