"""A verb for many jobs over the API."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import Team, User
from conftest import Api
from executions.models import BulkAction
from jobs.models import Job
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db
URL = "/api/v2/jobs/bulk"


def test_a_dry_run_tells_what_would_be_and_leaves_nothing(uma: User, ada: User, api: Api) -> None:
    make_job(uma, name="mine")
    make_job(ada, name="foreign")
    answer = api(uma).post(URL, {"verb": "pause", "q": "", "dry_run": True}, format="json").json()
    told = answer["plan"]
    assert (answer["id"], answer["state"], told["count"]) == (None, "planned", 1)
    assert [(line["name"], line["reason"]) for line in told["left_out"]] == [
        ("foreign", "You may not change it; its owner is ada.")
    ]
    assert told["skipped_due_times"] == 24
    assert not BulkAction.objects.exists()
    assert not Job.objects.paused().exists()


def test_the_rest_is_done_only_when_told_and_each_has_a_result(uma: User, ada: User, api: Api) -> None:
    jobs = [make_job(uma, name="mine"), make_job(ada, name="foreign")]
    body: dict[str, Any] = {"verb": "pause", "jobs": [str(job.uid) for job in jobs], "reason": "move"}
    refused = api(uma).post(URL, body, format="json")
    assert refused.status_code == 409
    assert "foreign" in refused.json()["message"]
    assert not Job.objects.paused().exists()
    done = api(uma).post(URL, body | {"rest": True}, format="json").json()
    assert done["state"] == "done"
    assert {one["name"]: one["outcome"] for one in done["results"]} == {"mine": "done", "foreign": "refused"}
    assert api(uma).get(f"{URL}/{done['id']}").json() == done
    assert api(ada).get(f"{URL}/{done['id']}").status_code == 404


def test_another_number_of_jobs_than_expected_changes_nothing(uma: User, api: Api) -> None:
    make_job(uma, name="a")
    make_job(uma, name="b")
    answer = api(uma).post(URL, {"verb": "pause", "q": "is:active", "expected": 1}, format="json")
    assert (answer.status_code, answer.json()["message"]) == (409, "Now 2 match instead of 1.")
    assert not Job.objects.paused().exists()


def test_a_team_is_given_by_its_slug_and_taken_away_by_null(uma: User, api: Api) -> None:
    job, team = make_job(uma, name="a"), Team.objects.create(name="Night shift")
    for value, wanted in (("night-shift", team), (None, None)):
        body = {"verb": "team", "q": "a", "team": value}
        assert api(uma).post(URL, body, format="json").status_code == 200
        job.refresh_from_db()
        assert job.team == wanted


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "Invalid verb"),
        ({"verb": "explode", "q": ""}, "Invalid verb"),
        ({"verb": "pause"}, "Invalid jobs"),
        ({"verb": "pause", "q": "", "jobs": []}, "Invalid jobs"),
        ({"verb": "pause", "jobs": ["x"]}, "Invalid jobs"),
        ({"verb": "pause", "jobs": [1]}, "Invalid jobs"),
        ({"verb": "pause", "jobs": "x"}, "Invalid jobs"),
        ({"verb": "pause", "q": "is:fialing"}, "Invalid q"),
        ({"verb": "pause", "q": 1}, "Invalid q"),
        ({"verb": "pause", "q": "", "until": "soon"}, "Invalid until"),
        ({"verb": "pause", "q": "", "until": "2020-01-01T00:00:00Z"}, "Invalid until"),
        ({"verb": "pause", "q": "", "reason": 1}, "Invalid reason"),
        ({"verb": "pause", "q": "", "rest": "yes"}, "Invalid rest"),
        ({"verb": "pause", "q": "", "expected": "1"}, "Invalid expected"),
        ({"verb": "owner", "q": ""}, "Missing owner"),
        ({"verb": "owner", "q": "", "owner": "nobody"}, "Invalid owner"),
        ({"verb": "team", "q": ""}, "Missing team"),
        ({"verb": "category", "q": "", "category": "nowhere"}, "Invalid category"),
    ],
)
def test_what_makes_no_sense_is_named_and_changes_nothing(
    ada: User, api: Api, body: dict[str, Any], error: str
) -> None:
    make_job(ada, name="a")
    answer = api(ada).post(URL, body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert not BulkAction.objects.exists()


def test_ids_of_no_job_are_counted(uma: User, api: Api) -> None:
    body = {"verb": "run", "jobs": [str(uuid.uuid4())], "dry_run": True}
    assert api(uma).post(URL, body, format="json").json()["plan"]["gone"] == 1


def test_the_list_of_jobs_is_searched_as_the_page_is(uma: User, api: Api) -> None:
    make_job(uma, name="nightly")
    make_job(name="other")
    client = api(uma)
    found = client.get("/api/v2/jobs", {"q": "owner:me night"}).json()
    assert [job["name"] for job in found["jobs"]] == ["nightly"]
    refused = client.get("/api/v2/jobs", {"q": "is:fialing"})
    assert (refused.status_code, refused.json()["message"]) == (400, "Unknown: is:fialing.")
