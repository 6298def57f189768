"""CSV files of jobs: all fields of a job are columns, what is not read is named, and files of any spreadsheet are read."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from conftest import Api
from jobs.models import Job
from jobs.tests.pages import browser

HOOK = "https://1.1.1.1/hook"
URL = "/api/v2/jobs/bulk-upload"


def upload(api: Api, user: User, text: str, **fields: Any) -> dict[str, Any]:
    file = SimpleUploadedFile("jobs.csv", text.encode())
    answer = api(user).post(URL, {"file": file, **fields}, format="multipart")
    told: dict[str, Any] = answer.json()
    return told


def test_time_zone_and_description_are_columns(api: Api, uma: User) -> None:
    told = upload(
        api, uma, f"Job Name,Cron,URL,Timezone,Description\na,0 2 * * *,{HOOK},Europe/Berlin,What for\n"
    )
    job = Job.objects.get()
    assert (job.timing.timezone, job.description) == ("Europe/Berlin", "What for")
    assert "warnings" not in told


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_each_unknown_column_is_named_before_and_after(api: Api, uma: User, dry_run: str) -> None:
    text = f"name,cron,url,Time-Zone,Colour,Desciption\na,0 2 * * *,{HOOK},Europe/Berlin,red,x\n"
    assert upload(api, uma, text, dry_run=dry_run)["warnings"] == [
        "The column “Time-Zone” is unknown and is not read. Is “timezone” meant?",
        "The column “Colour” is unknown and is not read.",
        "The column “Desciption” is unknown and is not read. Is “description” meant?",
    ]


def test_a_column_without_a_name_is_named_by_its_place_where_it_holds_something(api: Api, uma: User) -> None:
    text = f"name,,cron,url,\na,red,0 2 * * *,{HOOK},\n"
    assert upload(api, uma, text)["warnings"] == ["Column 2 has no name and is not read."]


def test_two_columns_for_one_field_are_named(api: Api, uma: User) -> None:
    text = f"name,Job Name,cron,url\na,b,0 2 * * *,{HOOK}\n"
    told = upload(api, uma, text)["warnings"]
    assert told == ["The columns “name”, “Job Name” mean the same: of each row only one of them is read."]


@pytest.mark.parametrize(
    ("columns", "cells", "warning"),
    [
        ("status", "paused?", "Row 2: “paused?” in the column of active is neither yes nor no."),
        ("notify on success", "yes", "Row 2: the column of notify_on_success has no effect on this job."),
        (
            "emails,notify on success",
            "a@example.com,maybe",
            "Row 2: “maybe” in the column of notify_on_success is neither yes nor no.",
        ),
    ],
)
def test_a_cell_that_says_nothing_is_named(
    api: Api, uma: User, columns: str, cells: str, warning: str
) -> None:
    text = f"name,cron,url,{columns}\na,0 2 * * *,{HOOK},{cells}\n"
    assert upload(api, uma, text)["warnings"] == [warning]


@pytest.mark.parametrize(
    ("cells", "kind"), [("none,,", "none"), ("Once,,2099-01-01T10:00", "once"), (",0 2 * * *,", "cron")]
)
def test_the_kind_of_schedule_is_a_column(api: Api, uma: User, cells: str, kind: str) -> None:
    told = upload(api, uma, f"name,url,schedule_kind,cron,at\na,{HOOK},{cells}\n")
    assert (told["errors"], told.get("warnings")) == ([], None)
    assert Job.objects.get().timing.kind == kind


@pytest.mark.parametrize("column", ["metadata", "options"])
def test_a_key_that_stands_twice_in_a_cell_is_refused(api: Api, uma: User, column: str) -> None:
    text = f'name,cron,url,{column}\na,0 2 * * *,{HOOK},"{{""b"": 1, ""b"": 2}}"\n'
    assert upload(api, uma, text)["errors"][0]["message"].endswith("b is given more than once.")
    assert not Job.objects.exists()


def test_the_page_names_them_too(uma: User) -> None:
    file = SimpleUploadedFile("jobs.csv", f"name,cron,url,Colour\na,0 2 * * *,{HOOK},red\n".encode())
    page = browser(uma).post("/jobs/upload", {"file": file}).content.decode()
    assert "The column “Colour” is unknown and is not read." in page


@pytest.mark.parametrize(
    "text",
    [
        "name;cron;url\na;0 2,3 * * *;{hook}\n",
        "name\tcron\turl\r\na\t0 2,3 * * *\t{hook}\r\n",
        "sep=;\nname;cron;url\na;0 2,3 * * *;{hook}\n",
        '"sep=\t"\r\nname\tcron\turl\r\na\t0 2,3 * * *\t{hook}\r\n',
        "SEP=|\nname|cron|url\na|0 2,3 * * *|{hook}\n",
        '\ufeff"name";"cron";"url"\n"a";"0 2,3 * * *";"{hook}"\n',
    ],
)
def test_files_of_any_spreadsheet_are_read(api: Api, uma: User, text: str) -> None:
    told = upload(api, uma, text.replace("{hook}", HOOK))
    assert (told["created_count"], told.get("warnings")) == (1, None), told
    assert Job.objects.get().timing.expression == "0 2,3 * * *"


def test_every_part_of_a_job_has_a_column(api: Api, ada: User) -> None:
    header = "name;every;period;kind;job class;arguments;notification emails;notify on success;max attempts;overlap"
    row = 'a;6;hours;python_class;jobs.classes.sample.AwesomeJob;["x", {}];a@example.com, b@example.com;yes;3;queue'
    told = upload(api, ada, f"{header}\n{row}\n")
    assert told["errors"] == []
    job = Job.objects.get()
    assert (job.timing.kind, job.timing.every, job.timing.period) == ("interval", 6, "hours")
    assert (job.kind, job.options["args"]) == ("python_class", ["x", {}])
    assert job.notification_emails == ["a@example.com", "b@example.com"]
    assert (job.notify_on_success, job.max_attempts, job.overlap) == (True, 3, "queue")


def test_options_are_json_beside_what_other_columns_say(api: Api, uma: User) -> None:
    rows = [
        f"{name};0 2 * * *;{HOOK};{cell}"
        for name, cell in (("a", '{"method": "PUT"}'), ("b", '{"x": 1}'), ("c", "x"))
    ]
    text = "\n".join(["name;cron;url;options", *rows])
    told = upload(api, uma, text)
    assert [(error["row"], error["error"]) for error in told["errors"]] == [
        (3, "Invalid options"),
        (4, "Invalid options"),
    ]
    assert Job.objects.get().options["method"] == "PUT"


@pytest.mark.parametrize(
    ("columns", "cells", "warning"),
    [
        ("environment", "e", "Row 2: the column of environment has no effect on this job."),
        ("period", "hours", "Row 2: the column of period has no effect on this job."),
        ("dispatch url", "o/r/w.yml", "Row 2: the column of target_url is not used, another one says what the job does."),
        ("end date,day rule", "2026-12-31,both", ""),
    ],
)  # fmt: skip
def test_cells_without_effect_are_named(api: Api, uma: User, columns: str, cells: str, warning: str) -> None:
    told = upload(api, uma, f"name,cron,url,{columns}\na,0 2 * * *,{HOOK},{cells}\n")
    assert told.get("warnings", []) == ([warning] if warning else []), told


def test_a_job_that_will_not_run_is_made_and_said(api: Api, uma: User) -> None:
    text = f"name,cron,url,end date\na,0 0 29 2 *,{HOOK},2026-12-31\n"
    for dry_run in ("true", "false"):
        told = upload(api, uma, text, dry_run=dry_run)
        assert told["created_count"] == 1
        assert told["warnings"] == ["Row 2: the job will not run: it has no due time until its end date."]
