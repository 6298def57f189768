"""What a job is for, in words: written on every surface, kept with its versions, found by the search."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from audit.models import Entry
from conftest import Api
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, edits, entries

pytestmark = pytest.mark.django_db

WORDS = "Renews the certificates.\nAsk <b>ops</b> before it is changed."
HOOK = "https://1.1.1.1/hook"


def test_it_is_written_on_the_form_and_shown_on_the_page_as_plain_text(uma: User) -> None:
    client = browser(uma)
    client.post("/jobs/new", entries(description=WORDS.replace("\n", "\r\n")))
    job = Job.objects.get()
    assert job.description == WORDS
    page = client.get(f"/jobs/{job.uid}").content.decode()
    assert "Renews the certificates.<br>Ask &lt;b&gt;ops&lt;/b&gt; before" in page
    assert "&lt;b&gt;ops&lt;/b&gt;" in client.get(f"/jobs/{job.uid}/edit").content.decode()


def test_a_form_that_is_sent_back_unchanged_changes_nothing(uma: User) -> None:
    job = make_job(uma, description=WORDS)
    browser(uma).post(f"/jobs/{job.uid}/edit", edits(job, description=WORDS.replace("\n", "\r\n")))
    job.refresh_from_db()
    assert job.description == WORDS
    assert not [
        entry for entry in Entry.objects.all() if "description" in entry.changes and entry.version == 2
    ]


def test_two_thousand_characters_fit_and_one_more_is_refused(uma: User) -> None:
    client = browser(uma)
    lines = "\r\n".join(["x" * 199] * 10)
    client.post("/jobs/new", entries(description=lines + "y"))
    assert len(Job.objects.get().description) == 2000
    refused = client.post("/jobs/new", entries(name="other", description=lines + "yy"))
    assert "at most 2000 characters" in refused.content.decode()
    assert Job.objects.count() == 1


def test_the_api_takes_it_and_answers_with_it(api: Api, uma: User) -> None:
    body = {"name": "a", "cron_expression": "0 2 * * *", "target_url": HOOK, "description": WORDS}
    made = api(uma).post("/api/v2/jobs", body, format="json").json()["job"]
    assert made["description"] == WORDS
    url = f"/api/v2/jobs/{made['id']}"
    assert api(uma).put(url, {"name": "b"}, format="json").json()["job"]["description"] == WORDS
    assert api(uma).put(url, {"description": ""}, format="json").json()["job"]["description"] == ""
    assert api(uma).get(url).json()["job"]["description"] == ""
    changed = Entry.objects.filter(object_type="job").latest("id").changes["description"]
    assert changed == {"old": WORDS, "new": ""}


@pytest.mark.parametrize("wrong", [7, ["x"], "x" * 2001, "a\0b"])
def test_the_api_names_what_is_wrong_with_it(api: Api, uma: User, wrong: object) -> None:
    body = {"name": "a", "cron_expression": "0 2 * * *", "target_url": HOOK, "description": wrong}
    answer = api(uma).post("/api/v2/jobs", body, format="json")
    assert answer.status_code == 400
    assert "\0" in str(wrong) or answer.json()["error"] == "Invalid description"
    assert not Job.objects.exists()


def test_a_csv_file_may_have_a_column_for_it(api: Api, uma: User) -> None:
    csv = f"name,cron,url,Description\nnightly,0 2 * * *,{HOOK},What it is for\n"
    file = SimpleUploadedFile("jobs.csv", csv.encode(), "text/csv")
    api(uma).post("/api/v2/jobs/bulk-upload", {"file": file}, format="multipart")
    assert Job.objects.get().description == "What it is for"


def test_a_restored_version_has_the_description_of_its_time(uma: User) -> None:
    client = browser(uma)
    job = make_job(uma, description="first")
    client.post(f"/jobs/{job.uid}/edit", edits(job, description="second"))
    client.post(f"/jobs/{job.uid}/versions/1/restore")
    job.refresh_from_db()
    assert job.description == "first"


def test_the_search_of_the_list_finds_a_job_by_it(uma: User) -> None:
    make_job(uma, name="certbot", description="TLS of the shop")
    make_job(uma, name="plumbing")
    page = browser(uma).get("/jobs?q=tls").content.decode()
    assert "certbot" in page
    assert "plumbing" not in page
