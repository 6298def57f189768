"""The fields of a job. Each is declared twice: as a column of the model (jobs/models/job.py) with its type, bounds, default and
label, and here with everything else.

The form, the JSON that is read and written, the columns of CSV files, the snapshots of versions, the definition that a run
keeps, the audit trail, the page and the API's document follow from the two. docs/development.md has the recipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext_noop as _

# The largest number that is read, before the bounds of the column are looked at; times are in seconds.
TEN_YEARS = 3653 * 86400


@dataclass(frozen=True)
class JobField:
    """`name` of the column, `about` it in the API's document.

    `own`: JSON and CSV have a form of their own for it, read and written by name (jobs/rest, jobs/csv_upload). All others are
    written as they are stored, and read by the type of their column.
    """

    name: str
    about: str = ""
    own: bool = False
    # Whether a run keeps it in its definition, and follows it whatever is changed later.
    in_runs: bool = False
    # Its row among the rules in the form: fields of one row stand side by side. Without one a template places it by name.
    row: str = ""
    # Whether the page of the job shows it even where it has its default.
    always_shown: bool = False
    unit: Literal["", "seconds"] = ""
    # What the page says where there is no value.
    nothing: str = ""
    most: int = TEN_YEARS
    examples: tuple[str, ...] = ()
    # Headers of its column in a CSV file, in lower case. Without any: its name, of fields that are not `own`.
    headers: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        if self.headers or self.own:
            return self.headers
        return tuple(dict.fromkeys((self.name, self.name.replace("_", " "))))


FIELDS = (
    JobField(
        "name",
        "The name, which no other job has.",
        examples=("Nightly backup",),
        headers=("job name", "name"),
    ),
    JobField(
        "description",
        "What it is for: plain text, of one line or several.",
        headers=("description", "job description"),
    ),
    JobField("kind", own=True, in_runs=True),
    JobField("options", own=True, in_runs=True),
    JobField("environment", own=True, headers=("environment", "environment id", "environment_id")),
    JobField("category", own=True, headers=("category", "job category", "job_category")),
    JobField("team", own=True, headers=("pic team", "pic_team", "pic team slug", "pic_team_slug")),
    JobField("end_date", own=True, headers=("end date", "end_date")),
    JobField("metadata", own=True, in_runs=True, headers=("request body", "request_body", "metadata")),
    JobField(
        "catch_up",
        "What becomes of due times that passed during an outage.",
        in_runs=True,
        row="due times",
        always_shown=True,
    ),
    JobField(
        "start_deadline",
        "Seconds after its due time at which a run is missed.",
        row="due times",
        always_shown=True,
        unit="seconds",
    ),
    JobField(
        "overlap",
        "What becomes of a due time while an earlier run goes on.",
        in_runs=True,
        row="due times",
        always_shown=True,
    ),
    JobField(
        "timeout",
        "Seconds after which a run is stopped; null: the usual of its kind.",
        in_runs=True,
        row="end",
        always_shown=True,
        unit="seconds",
        nothing=_("default"),
    ),
    JobField(
        "stop_grace",
        "Seconds between asking a run to stop and killing it.",
        in_runs=True,
        row="end",
        unit="seconds",
        most=86400,
    ),
    JobField(
        "max_attempts",
        "How often a failing run is tried.",
        in_runs=True,
        row="retries",
        always_shown=True,
        most=1000,
    ),
    JobField(
        "retry_delay",
        "Seconds before the second attempt; doubles each time.",
        in_runs=True,
        row="retries",
        unit="seconds",
    ),
    JobField(
        "retry_cap",
        "The longest delay between attempts.",
        in_runs=True,
        row="retries",
        unit="seconds",
    ),
    JobField(
        "rerun_lost",
        "Whether a run whose worker died is repeated: only where running twice does no harm.",
        in_runs=True,
        row="lost runs",
    ),
    JobField(
        "priority",
        "Which of the runs that wait for a worker start first: 9 before 0.",
        row="places",
        most=9,
    ),
    JobField(
        "max_running",
        "How many of its runs may go on at once, where they may run side by side; null: no bound of its own.",
        row="places",
        nothing=_("no bound of its own"),
        most=1000,
    ),
    JobField(
        "limit_key",
        "Jobs with the same key share its places: one, unless an administrator gives it more; empty: none.",
        row="places",
        examples=("warehouse-db",),
    ),
    JobField(
        "start_by",
        "Seconds after its due time at which a run that has not started is late.",
        in_runs=True,
        row="clocks",
        unit="seconds",
    ),
    JobField(
        "finish_by",
        "Seconds after its start at which a run takes longer than expected.",
        in_runs=True,
        row="clocks",
        unit="seconds",
    ),
    JobField(
        "baseline_duration",
        "Whether a run that takes much longer or much less time than the last good ones is told.",
        row="baselines",
    ),
    JobField(
        "baseline_memory",
        "Whether a run that uses much more memory than the last good ones is told.",
        row="baselines",
    ),
    JobField(
        "open_after_failures",
        "How many failed runs in a row open an incident.",
        row="incidents",
        most=100,
    ),
    JobField(
        "close_after_successes",
        "How many successful runs in a row close it.",
        row="incidents",
        most=100,
    ),
    JobField(
        "tell_each_run",
        "Whether each failed run is told by itself, beside the opening and the recovery of the incident.",
        row="incidents",
    ),
    JobField(
        "destinations",
        "Slugs of the destinations of its alerts, with commas between them; empty: those of its team, else the default ones.",
        row="destinations",
        examples=("ops-discord, payments-pagerduty",),
    ),
    JobField("enable_email_notifications", own=True),
    JobField("notification_emails", own=True),
    JobField("notify_on_success", own=True),
)
NAMES = tuple(field.name for field in FIELDS)
# Written as they are stored, and read by the type of their column.
PLAIN = tuple(field for field in FIELDS if not field.own)
