"""Where a field of a job is met. Run by test_job_fields.py in a copy of `jobs` that has two more: `loudness` and `confetti`."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from jobs import versions
from jobs.forms.job import JobForm
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, edits, entries
from scheduler_site.openapi import routes

URL = "/api/v2/jobs"
HOOK = "https://1.1.1.1/hook"
BODY: dict[str, Any] = {"name": "a", "cron_expression": "0 * * * *", "target_url": HOOK}


def test_form(uma: User) -> None:
    page = browser(uma).get("/jobs/new?kind=webhook").content.decode()
    assert 'name="loudness"' in page
    assert "How loud" in page
    assert "From 1 to 9." in page
    assert browser(uma).post("/jobs/new", entries(loudness="7", confetti="on")).status_code == 302
    job = Job.objects.get()
    assert (job.loudness, job.confetti) == (7, True)  # type: ignore[attr-defined]
    assert (
        "less than or equal to 9" in browser(uma).post("/jobs/new", entries(loudness="10")).content.decode()
    )


def test_page(uma: User) -> None:
    usual, loud = make_job(uma), make_job(uma, name="loud", loudness=7)
    assert "How loud" in browser(uma).get(f"/jobs/{loud.uid}").content.decode()
    assert "How loud" not in browser(uma).get(f"/jobs/{usual.uid}").content.decode()


def test_json_read(api: Api, uma: User) -> None:
    job = api(uma).post(URL, BODY | {"loudness": 7, "confetti": True}, format="json").json()["job"]
    found = Job.objects.get()
    assert (found.loudness, found.confetti) == (7, True)  # type: ignore[attr-defined]
    for wrong in (10, 0, -1, "7", 1.5, True, 10**20):
        answer = api(uma).put(f"{URL}/{job['id']}", {"loudness": wrong}, format="json")
        assert (answer.status_code, answer.json()["error"]) == (400, "Invalid loudness")
    answer = api(uma).put(f"{URL}/{job['id']}", {"confetti": "yes"}, format="json")
    assert answer.json() == {"error": "Invalid confetti", "message": "Write true or false."}


def test_json_written(api: Api, uma: User) -> None:
    job = make_job(uma, loudness=7)
    alone = api(uma).get(f"{URL}/{job.uid}").json()["job"]
    (listed,) = api(uma).get(URL).json()["jobs"]
    assert [(found["loudness"], found["confetti"]) for found in (alone, listed)] == [(7, False)] * 2


def test_version(ada: User) -> None:
    job = make_job(ada, loudness=7)
    stored = Entry.objects.versions(job.uid).get().snapshot or {}
    assert (stored["loudness"], stored["confetti"]) == (7, False)
    browser(ada).post(f"/jobs/{job.uid}/edit", edits(job, loudness="2"))
    job.refresh_from_db()
    assert job.loudness == 2  # type: ignore[attr-defined]
    versions.restore(job, 1, by=Actor(ada, "page"), user=ada)
    job.refresh_from_db()
    assert job.loudness == 7  # type: ignore[attr-defined]


def test_definition_of_a_run(uma: User) -> None:
    definition = make_job(uma, loudness=7).definition()
    assert definition["loudness"] == 7
    assert "confetti" not in definition


def test_history(ada: User) -> None:
    job = make_job(ada)
    browser(ada).post(f"/jobs/{job.uid}/edit", edits(job, loudness="9"))
    change = Entry.objects.get(event="modified").changes["loudness"]
    assert change == {"old": 3, "new": 9}
    assert "How loud" in browser(ada).get(f"/jobs/{job.uid}/history").content.decode()


@pytest.mark.parametrize("header", ["loudness", "Loudness"])
def test_csv(api: Api, uma: User, header: str) -> None:
    def upload(loudness: str, confetti: str) -> Any:
        text = f"name,cron,url,{header},confetti\nnightly,0 2 * * *,{HOOK},{loudness},{confetti}\n"
        file = SimpleUploadedFile("jobs.csv", text.encode(), "text/csv")
        return api(uma).post(f"{URL}/bulk-upload", {"file": file}, format="multipart").json()

    assert upload("ten", "yes")["errors"][0]["error"] == "Invalid loudness"
    assert upload("10", "yes")["errors"][0]["error"] == "Invalid loudness"
    assert upload("7", "perhaps")["errors"][0]["error"] == "Invalid confetti"
    assert upload("7", "yes")["created_count"] == 1
    job = Job.objects.get()
    assert (job.loudness, job.confetti) == (7, True)  # type: ignore[attr-defined]


def test_schema() -> None:
    schemas = json.loads(routes.text())["components"]["schemas"]
    for name in ("Job", "WrittenJob"):
        told = schemas[name]["properties"]["loudness"]
        assert (told["type"], told["minimum"], told["maximum"], told["default"]) == ("integer", 1, 9, 3)
        assert told["description"] == "How loud its runs are."
        assert "loudness" in schemas[name]["required"]
    for name in ("NewJob", "JobChanges"):
        assert schemas[name]["properties"]["loudness"]["type"] == ["integer", "null"]
        assert schemas[name]["properties"]["confetti"]["type"] == ["boolean", "null"]


def test_default(uma: User) -> None:
    """A form that was made before the field was, and an import, give it its default."""
    job = make_job(uma, end_date=dt.date(2099, 1, 1))
    assert (job.loudness, job.confetti) == (3, False)  # type: ignore[attr-defined]
    assert JobForm(user=uma)["loudness"].initial == 3
