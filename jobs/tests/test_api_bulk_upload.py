"""POST /api/v2/jobs/bulk-upload: which rows of a CSV file become jobs, and what is told of the others."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.http import HttpResponse
from pytest_django.fixtures import Settings

from accounts.models import Category, Team, User
from audit.models import Entry
from conftest import Api
from jobs import verbs
from jobs.models import Job
from jobs.tests.factories import make_job
from notifications.models import Notification
from scheduler_site.lib.addresses import Address

URL = "/api/v2/jobs/bulk-upload"
HOOK = "https://1.1.1.1/hook"
LATER = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)).isoformat()
GOOD = f"name,cron,url\nnightly,0 2 * * *,{HOOK}\n"


def upload(api: Api, user: User, csv: str | bytes, **fields: Any) -> HttpResponse:
    data = csv.encode() if isinstance(csv, str) else csv
    # The test client would drop an empty file.
    file = SimpleUploadedFile("jobs.csv", data, "text/csv")
    return api(user).post(URL, {"file": file, **fields}, format="multipart")


def report(api: Api, user: User, csv: str, status: int = 200, **fields: Any) -> dict[str, Any]:
    answer = upload(api, user, csv, **fields)
    assert answer.status_code == status, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def only_error(api: Api, user: User, header: str, row: str) -> dict[str, Any]:
    """What is told of one bad row; nothing was made."""
    found = report(api, user, f"{header}\n{row}\n", 400)
    assert not Job.objects.exists()
    assert not Entry.objects.filter(object_type="job").exists()
    assert (found["error"], found["created_count"], found["error_count"]) == ("Bulk upload failed", 0, 1)
    error: dict[str, Any] = found["errors"][0]
    return error


@pytest.mark.parametrize("prefix", ["/api", "/api/v2"])
def test_good_rows_become_jobs_and_the_report_names_them(api: Api, uma: User, prefix: str) -> None:
    file = SimpleUploadedFile("jobs.csv", GOOD.encode())
    answer = api(uma).post(f"{prefix}/jobs/bulk-upload", {"file": file}, format="multipart")
    job = Job.objects.get()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "message": "Bulk upload processed",
            "dry_run": False,
            "stats": {
                "original_column_count": 3,
                "original_row_count": 1,
                "removed_column_count": 0,
                "removed_empty_row_count": 0,
            },
            "created_count": 1,
            "error_count": 0,
            "errors": [],
            "jobs": [{"id": str(job.uid), "name": "nightly", "is_active": True}],
        },
    )
    assert (job.owner, job.options, job.timing.expression) == (uma, {"target_url": HOOK}, "0 2 * * *")
    assert job.next_run_at is not None
    assert Entry.objects.filter(object_type="job").count() == 1
    assert not Notification.objects.exists()


@pytest.mark.parametrize("word", ["1", "true", "YES", "y", " on "])
def test_a_dry_run_tells_the_same_and_writes_nothing(api: Api, uma: User, word: str) -> None:
    found = report(
        api, uma, f"name,cron,url,end date\na,0 2 * * *,{HOOK},{LATER}\nb,x,{HOOK},\n", dry_run=word
    )
    assert (found["message"], found["dry_run"]) == ("CSV validated successfully", True)
    plan = {
        "name": "a",
        "is_active": True,
        "cron_expression": "0 2 * * *",
        "end_date": LATER,
        "pic_team": None,
    }
    assert (found["created_count"], found["jobs"]) == (1, [plan])
    assert [(error["row"], error["error"]) for error in found["errors"]] == [(3, "Invalid cron expression")]
    assert not Job.objects.exists()
    assert not Entry.objects.filter(object_type="job").exists()


def test_a_dry_run_without_a_good_row_says_so(api: Api, uma: User) -> None:
    found = report(api, uma, "name,cron\na,x\n", 400, dry_run="1")
    assert found["error"] == "CSV validation failed"


def test_good_rows_are_made_though_others_fail(api: Api, uma: User) -> None:
    found = report(api, uma, f"name,cron,url\na,0 2 * * *,{HOOK}\nb,61 * * * *,{HOOK}\nc,@daily,{HOOK}\n")
    assert [job["name"] for job in found["jobs"]] == ["a", "c"]
    assert [(error["row"], error["job_name"]) for error in found["errors"]] == [(3, "b")]
    assert set(Job.objects.values_list("name", flat=True)) == {"a", "c"}


def test_the_same_file_again_makes_nothing_twice(api: Api, uma: User) -> None:
    report(api, uma, GOOD)
    found = report(api, uma, GOOD, 400)
    assert found["errors"][0]["error"] == "Duplicate job name"
    assert Job.objects.count() == 1


def test_blank_rows_and_columns_without_a_header_do_not_count(api: Api, uma: User) -> None:
    csv = f"name,,cron,url,\n\n,,,,\na,note,0 2 * * *,{HOOK},\n , ,,\nb,note,x,{HOOK},\n"
    found = report(api, uma, csv)
    assert found["stats"] == {
        "original_column_count": 5,
        "original_row_count": 5,
        "removed_column_count": 2,
        "removed_empty_row_count": 3,
    }
    assert [error["row"] for error in found["errors"]] == [3]


def test_a_header_alone_is_no_error(api: Api, uma: User) -> None:
    found = report(api, uma, "Job Name,Cron expression\n")
    assert (found["created_count"], found["error_count"], "error" in found) == (0, 0, False)


def test_every_column_has_its_names(api: Api, uma: User) -> None:
    team = Team.objects.create(name="Team One", slack_handle="@one")
    header = "JOB NAME,Cron schedule (JST),Status,Repo,workflow name,Owner,Category,End Date,PIC Team,Branch,Request Body"
    row = f'a,0 2 * * *,Disabled,app,ci.yml,acme,DR Testing,{LATER},team-one,dev,"{{""env"": ""qa""}}"'
    found = report(api, uma, f"\ufeff{header}\n{row}\n")
    job = Job.objects.get()
    assert found["jobs"] == [{"id": str(job.uid), "name": "a", "is_active": False}]
    assert (job.kind, job.options) == (
        "github_actions",
        {"owner": "acme", "repo": "app", "workflow": "ci.yml"},
    )
    assert job.metadata == {"env": "qa", "branchDetails": "dev"}
    assert (job.category.slug, job.team, str(job.end_date)) == ("dr-testing", team, LATER)
    assert (job.is_active, job.next_run_at) == (False, None)


def test_the_first_name_with_a_value_counts(api: Api, uma: User) -> None:
    report(api, uma, f"name,job name,cron,url\nsecond,first,0 2 * * *,{HOOK}\nother,,0 2 * * *,{HOOK}\n")
    assert set(Job.objects.values_list("name", flat=True)) == {"first", "other"}


@pytest.mark.parametrize(
    ("header", "row", "options"),
    [
        ("url", "acme/app/ci.yml", {"owner": "acme", "repo": "app", "workflow": "ci.yml"}),
        ("url,repo,workflow name", f"{HOOK},app,ci.yml", {"target_url": HOOK}),
        (
            "url,dispatch url",
            f"{HOOK},https://github.com/o/r/actions/workflows/w.yml",
            {"owner": "o", "repo": "r", "workflow": "w.yml"},
        ),
        ("repo,workflow name", "acme/app,ci.yml", {"owner": "acme", "repo": "app", "workflow": "ci.yml"}),
        ("repo,workflow name", "app,ci.yml", {"owner": "house", "repo": "app", "workflow": "ci.yml"}),
    ],
)
def test_a_target_may_be_written_in_several_ways(
    api: Api, uma: User, header: str, row: str, options: dict[str, str]
) -> None:
    csv = f"name,cron,{header}\na,0 2 * * *,{row}\n"
    report(api, uma, csv, default_github_owner="house")
    assert Job.objects.get().options == options


@pytest.mark.parametrize("word", ["disable", "INACTIVE", "false", "0", "no", "n", "off"])
def test_words_for_off(api: Api, uma: User, word: str) -> None:
    report(api, uma, f"name,cron,url,active\na,0 2 * * *,{HOOK},{word}\n")
    assert not Job.objects.get().is_active


@pytest.mark.parametrize(
    ("header", "row", "label"),
    [
        ("name,cron,dispatch url,category", "a,0 2 * * *,nowhere,unknown", "Invalid dispatch_url"),
        ("name,cron,url,category,end date", f"a,0 2 * * *,{HOOK},unknown,soon", "Invalid category"),
        ("name,cron,url,end date,pic team", f"a,0 2 * * *,{HOOK},soon,nobody", "Invalid end_date"),
        ("name,cron,url,end date", f"a,0 2 * * *,{HOOK},2020-01-01", "Invalid end_date"),
        ("name,cron,url,pic team", f",0 2 * * *,{HOOK},nobody", "Invalid PIC team"),
        ("name,cron,url", f",0 2 * * *,{HOOK}", "Missing required fields"),
        ("name,cron,url", f"a,,{HOOK}", "Missing required fields"),
        ("name,cron,url,metadata", f"a,61 * * * *,{HOOK},[", "Invalid cron expression"),
        ("name,cron,metadata", "a,0 2 * * *,{x}", "Invalid JSON in Request Body"),
        ("name,cron,metadata", "a,0 2 * * *,[1]", "Invalid Request Body"),
        ("name,cron,url", "a,0 2 * * *,ftp://1.1.1.1/x", "Invalid target_url"),
        ("name,cron,url", "a,0 2 * * *,http://127.0.0.1/x", "Invalid target_url"),
        ("name,cron,url", "a,0 2 * * *,", "Missing target configuration"),
        ("name,cron,repo", "a,0 2 * * *,app", "Missing target configuration"),
        ("name,cron,repo,workflow name", "a,0 2 * * *,a b,ci.yml", "Invalid github_repo"),
        ("name,cron,url", "a,0 2 * * *", "Invalid row"),
        ("name,cron,metadata", 'a,0 2 * * *,{"a": 1, "b": 2}', "Invalid row"),
        ("name,cron,url", f"{'x' * 10_000},0 2 * * *,{HOOK}", "Invalid name"),
        ("name,cron,url", f"a,{'* ' * 5_000},{HOOK}", "Invalid cron expression"),
        ("name,cron,url", f"a,0 2 * * *,https://1.1.1.1/{'x' * 10_000}", "Invalid target_url"),
        ("name,cron,url,category", f"a,0 2 * * *,{HOOK},{'x' * 10_000}", "Invalid category"),
        ("name,cron,url,pic team", f"a,0 2 * * *,{HOOK},{'x' * 10_000}", "Invalid PIC team"),
        ("name,cron,url,end date", f"a,0 2 * * *,{HOOK},{'9' * 10_000}", "Invalid end_date"),
    ],
)
def test_the_first_fault_of_a_row_is_told(api: Api, uma: User, header: str, row: str, label: str) -> None:
    error = only_error(api, uma, header, row)
    assert (error["row"], error["error"]) == (2, label)
    assert error["message"]


def test_an_unknown_team_is_named(api: Api, uma: User) -> None:
    error = only_error(api, uma, "name,cron,url,pic team", f"a,0 2 * * *,{HOOK},Team Nine")
    assert error == {
        "row": 2,
        "job_name": "a",
        "error": "Invalid PIC team",
        "message": "Unknown PIC team: Team Nine.",
        "pic_team": "Team Nine",
        "pic_team_slug": "team-nine",
    }


def test_end_date_and_team_are_required_where_the_settings_say_so(
    api: Api, uma: User, settings: Settings
) -> None:
    settings.JOB_END_DATE_POLICY, settings.JOB_PIC_TEAM_REQUIRED = "required", True
    row = f"a,0 2 * * *,{HOOK}"
    assert only_error(api, uma, "name,cron,url", row)["error"] == "Missing required fields"
    assert only_error(api, uma, "name,cron,url,end date", f"{row},{LATER}")["error"] == "Invalid PIC team"


def test_a_name_counts_once_in_a_file(api: Api, uma: User) -> None:
    found = report(api, uma, f"name,cron,url\na,0 2 * * *,{HOOK}\na,x,{HOOK}\nA,0 2 * * *,{HOOK}\n")
    assert [(error["row"], error["error"]) for error in found["errors"]] == [(3, "Duplicate job name in CSV")]
    assert Job.objects.count() == 2


def test_a_formula_stays_a_text(api: Api, uma: User) -> None:
    name = "=cmd|' /C calc'!A0"
    report(api, uma, f"name,cron,url\n{name},0 2 * * *,{HOOK}\n")
    assert Job.objects.get().name == name


def test_a_user_stays_within_his_category(api: Api, uma: User) -> None:
    User.objects.filter(pk=uma.pk).update(category=Category.objects.get(slug="refund"))
    csv = f"name,cron,url,category\na,0 2 * * *,{HOOK},\nb,0 2 * * *,{HOOK},general\n"
    found = report(api, uma, csv)
    assert [error["error"] for error in found["errors"]] == ["Invalid category"]
    assert Job.objects.get().category.slug == "refund"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b",,\na,b,c\n", "column"),
        (b"foo,bar\n1,2\n", "column"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.encode("utf-16-le"), "UTF-16"),
        (b"name,cron\n\xe9t\xe9,0 2 * * *\n", "Line 2"),
        (b"name,cron\na\0b,0 2 * * *\n", "NUL"),
        (b'name,cron\n"a,0 2 * * *\nb,0 3 * * *\n', "Line 3"),
        (b'name,cron\n"a"b,0 2 * * *\n', "Line 2"),
        (b"name,Cron,NAME\na,0 2 * * *,b\n", "twice"),
        (b"name,cron\n" + b"x" * 200_000 + b",0 2 * * *\n", "Line 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    api: Api, uma: User, data: bytes, word: str
) -> None:
    answer = upload(api, uma, data)
    body = json.loads(answer.content)
    assert (answer.status_code, body["error"], set(body)) == (400, "Invalid CSV", {"error", "message"})
    assert word in body["message"]
    assert not Job.objects.exists()


def test_too_many_rows_are_refused_before_any_is_made(api: Api, uma: User, settings: Settings) -> None:
    settings.BULK_UPLOAD_MAX_ROWS = 2
    rows = "".join(f"j{n},0 2 * * *,{HOOK}\n" for n in range(3))
    assert report(api, uma, f"name,cron,url\n{rows}", 400)["error"] == "Too many rows"
    assert report(api, uma, "name,cron\n" + "\n" * 50, 400)["error"] == "Too many rows"
    assert not Job.objects.exists()


def test_a_large_file_is_refused_by_its_length(api: Api, uma: User, settings: Settings) -> None:
    settings.BULK_UPLOAD_MAX_BYTES = 1024
    assert upload(api, uma, "x" * 1025).status_code == 413
    # Said to be long: nothing of it is read, whoever sends it.
    answer = api().generic("POST", URL, "", "multipart/form-data; boundary=b", CONTENT_LENGTH=str(50 * 2**20))
    assert (answer.status_code, answer.json()["error"]) == (413, "Payload too large")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (
            b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nname\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
        (b"{}", "application/json"),
        (b"name,cron\n", "text/csv"),
        (b"", ""),
    ],
)
def test_without_a_file_there_is_nothing_to_do(api: Api, uma: User, body: bytes, content_type: str) -> None:
    answer = api(uma).generic("POST", URL, body.decode(), content_type)
    assert (answer.status_code, answer.json()["error"]) == (400, "Missing file")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "x" * 300]
)
def test_a_damaged_form_is_refused(api: Api, uma: User, content_type: str) -> None:
    answer = api(uma).generic("POST", URL, "--b\r\nhello", content_type)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_who_may_upload(api: Api, vic: User, ada: User) -> None:
    assert api().post(URL, {}, format="multipart").json() == {"detail": "Not authenticated"}
    answer = upload(api, vic, GOOD)
    assert (answer.status_code, json.loads(answer.content)) == (
        403,
        {"detail": "User or admin access required"},
    )
    assert report(api, ada, GOOD)["created_count"] == 1


def test_what_was_made_before_the_database_went_away_is_told(
    api: Api, uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = verbs.create

    def once(*args: Any, **kwargs: Any) -> Job:
        if Job.objects.exists():
            raise DatabaseError("server closed the connection")
        return create(*args, **kwargs)

    monkeypatch.setattr(verbs, "create", once)
    rows = "".join(f"j{n},0 2 * * *,{HOOK}\n" for n in range(3))
    found = report(api, uma, f"name,cron,url\n{rows}")
    assert [job["name"] for job in found["jobs"]] == ["j0"]
    assert [(error["row"], error["error"]) for error in found["errors"]] == [
        (3, "Not processed"),
        (4, "Not processed"),
    ]


def test_a_name_that_is_taken_meanwhile_is_a_duplicate(
    api: Api, uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = verbs.create

    def late(*args: Any, **kwargs: Any) -> Job:
        monkeypatch.undo()
        make_job(uma, name="nightly")
        return create(*args, **kwargs)

    monkeypatch.setattr(verbs, "create", late)
    assert report(api, uma, GOOD, 400)["errors"][0]["error"] == "Duplicate job name"
    assert Job.objects.count() == 1


def test_names_of_hosts_are_looked_up_once_for_a_file(
    api: Api, uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.runners import addresses

    asked: list[str] = []

    def lookup(host: str, port: int) -> list[Address]:
        asked.append(host)
        raise OSError(host)

    monkeypatch.setattr(addresses, "lookup", lookup)
    rows = "".join(f"j{n},0 2 * * *,https://hooks.example/{n}\n" for n in range(4))
    assert report(api, uma, f"name,cron,url\n{rows}", dry_run="1")["created_count"] == 4
    assert asked == ["hooks.example"]
