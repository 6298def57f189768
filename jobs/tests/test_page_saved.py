"""After a job was saved: what its next runs become is shown before, and one press goes back."""

from __future__ import annotations

import re

import pytest

from accounts.models import User
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, edits, entries

pytestmark = pytest.mark.django_db


def test_an_edit_says_how_many_of_the_next_runs_move(uma: User) -> None:
    job = make_job(uma, expression="0 8 * * *", timezone="UTC")
    query = {"job": str(job.uid), "schedule_kind": "cron", "timezone": "UTC", "day_rule": "either"}
    page = browser(uma).get("/jobs/preview", query | {"expression": "0 8 * * mon-fri"}).content.decode()
    assert re.search(r"1[3-6] of the next 50 runs move", page)
    page = browser(uma).get("/jobs/preview", query | {"expression": "30 8 * * *"}).content.decode()
    assert "50 of the next 50 runs move" in page
    page = browser(uma).get("/jobs/preview", query | {"expression": "0 8 * * *"}).content.decode()
    assert "of the next 50 runs" not in page


def test_a_saved_edit_can_be_undone_once(uma: User) -> None:
    client = browser(uma)
    client.post("/jobs/new", entries(name="before"))
    job = Job.objects.get()
    client.get(f"/jobs/{job.uid}")
    client.post(f"/jobs/{job.uid}/edit", edits(job, name="after"))
    page = client.get(f"/jobs/{job.uid}").content.decode()
    action = f"/jobs/{job.uid}/versions/1/restore"
    assert f'action="{action}"' in page
    assert f'data-draft-done="{uma.uid}:{job.uid}"' in page
    assert action not in client.get(f"/jobs/{job.uid}").content.decode()
    client.post(action)
    assert Job.objects.get().name == "before"


def test_a_new_job_has_nothing_to_go_back_to(uma: User) -> None:
    client = browser(uma)
    client.post("/jobs/new", entries())
    page = client.get(f"/jobs/{Job.objects.get().uid}").content.decode()
    assert f'data-draft-done="{uma.uid}:new:webhook"' in page
    assert "/restore" not in page


def test_what_changed_nothing_offers_no_undo(uma: User) -> None:
    client = browser(uma)
    client.post("/jobs/new", entries())
    job = Job.objects.get()
    client.get(f"/jobs/{job.uid}")
    client.post(f"/jobs/{job.uid}/edit", edits(job))
    assert "/restore" not in client.get(f"/jobs/{job.uid}").content.decode()


def test_the_error_summary_leads_to_the_fields(uma: User) -> None:
    wrong = entries(name="", options_target_url="ftp://example.com")
    page = browser(uma).post("/jobs/new", wrong).content.decode()
    assert '<a href="#id_name">Name</a>' in page
    assert '<a href="#id_options-target_url">' in page


def test_folded_parts_say_what_they_hold(uma: User) -> None:
    page = browser(uma).get("/jobs/new?kind=webhook").content.decode()
    for said in ("General, no team", "no parameters, no secrets", "none", "Start deadline"):
        assert said in page
