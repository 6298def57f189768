"""GET /api/v2/jobs and /jobs/{id}, DELETE, pause and resume."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from jobs import verbs
from jobs.models import Job
from jobs.models.fields import PLAIN
from jobs.tests.factories import make_job

URL = "/api/v2/jobs"
KEYS = {
    "id", "name", "cron_expression", "target_url", "github_owner", "github_repo", "github_workflow_name", "metadata",
    "category", "end_date", "pic_team", "enable_email_notifications", "notification_emails", "notify_on_success",
    "created_by", "is_active", "created_at", "updated_at", "last_execution_at", "next_execution_at",
}  # fmt: skip
OURS = {
    "environment", "environment_id", "baseline_duration", "baseline_memory", "description",
    "kind", "options", "schedule", "catch_up", "start_deadline", "overlap", "timeout", "stop_grace", "max_attempts",
    "retry_delay", "retry_cap", "rerun_lost", "start_by", "finish_by", "pause", "broken", "secrets",
    "depends_on", "resumes_at", "priority", "max_running", "limit_key", "code_suspended", "exposed",
}  # fmt: skip
# Fields that have been declared since (jobs/models/fields.py).
OURS |= {field.name for field in PLAIN}


def test_all_jobs_are_listed_the_newest_first(api: Api, uma: User, vic: User) -> None:
    for name in ("first", "second", "third"):
        make_job(uma, name=name)
    answer = api(vic).get(URL).json()
    assert answer["count"] == 3
    assert [job["name"] for job in answer["jobs"]] == ["third", "second", "first"]
    assert set(answer["jobs"][0]) == KEYS | OURS


def test_a_single_job_has_the_same_keys(api: Api, uma: User, vic: User) -> None:
    job = make_job(uma)
    found = api(vic).get(f"{URL}/{job.uid}").json()["job"]
    assert set(found) == KEYS | OURS
    assert found["id"] == str(job.uid)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", found["created_at"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+09:00", found["next_execution_at"])
    assert dt.datetime.fromisoformat(found["next_execution_at"]) == job.next_run_at


def test_a_paused_job_has_no_next_run(api: Api, uma: User) -> None:
    job = make_job(uma, due="2020-01-01 00:00")
    verbs.pause(job, by=Actor(uma, "api"), reason="holiday")
    found = api(uma).get(f"{URL}/{job.uid}").json()["job"]
    assert (found["is_active"], found["next_execution_at"], found["pause"]["reason"]) == (
        False,
        None,
        "holiday",
    )


def test_a_job_that_is_paused_for_a_while_says_when_it_resumes(api: Api, uma: User) -> None:
    job = make_job(uma)
    until = dt.datetime(2099, 3, 1, 6, 0, tzinfo=dt.UTC)
    assert api(uma).get(f"{URL}/{job.uid}").json()["job"]["resumes_at"] is None
    verbs.pause(job, by=Actor(uma, "api"), until=until)
    (listed,) = api(uma).get(URL).json()["jobs"]
    alone = api(uma).get(f"{URL}/{job.uid}").json()["job"]
    for found in (listed, alone):
        assert (found["next_execution_at"], found["resumes_at"]) == (None, "2099-03-01T15:00:00+09:00")


def test_a_broken_schedule_is_shown_and_harms_nobody_else(api: Api, uma: User) -> None:
    job = make_job(uma)
    make_job(uma, name="sound")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Olympus'")
    verbs.quarantine(job, "unknown zone")
    answer = api(uma).get(URL)
    assert answer.status_code == 200
    assert {found["name"]: found["broken"] for found in answer.json()["jobs"]} == {
        "hourly": "unknown zone",
        "sound": "",
    }
    assert api(uma).get(f"{URL}/{job.uid}").status_code == 200


def test_a_user_with_a_category_sees_that_category_only(api: Api, ada: User, vic: User) -> None:
    night = Category.objects.create(name="Night")
    mine, other = make_job(ada, name="mine", category=night.pk), make_job(ada, name="other")
    vic.category = night
    vic.save()
    assert [job["name"] for job in api(vic).get(URL).json()["jobs"]] == ["mine"]
    assert api(vic).get(f"{URL}/{mine.uid}").status_code == 200
    answer = api(vic).get(f"{URL}/{other.uid}")
    assert (answer.status_code, answer.json()["error"]) == (404, "Job not found")


@pytest.mark.parametrize(
    "job_id", ["0b8f3a52-6f7e-4f6b-9d5c-1c2d3e4f5a6b", "nothing", "1", "%00", "x" * 500, "{}"]
)
def test_an_unknown_or_malformed_id_is_not_found(api: Api, ada: User, job_id: str) -> None:
    for method in ("get", "put", "delete"):
        answer = getattr(api(ada), method)(f"{URL}/{job_id}", {}, format="json")
        assert answer.status_code == 404


def test_the_list_takes_as_many_queries_for_thirty_jobs_as_for_three(api: Api, uma: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(URL).status_code == 200
        return len(queries)

    client = api(uma)
    by = Actor(uma, "api")
    for number in range(3):
        verbs.pause(make_job(uma, name=f"job {number}"), by=by)
    few = count()
    for number in range(3, 30):
        verbs.pause(make_job(uma, name=f"job {number}"), by=by)
    assert count() == few


def test_a_deleted_job_is_named_and_gone(api: Api, uma: User) -> None:
    job = make_job(uma)
    answer = api(uma).delete(f"{URL}/{job.uid}")
    assert answer.status_code == 200
    assert answer.json() == {
        "message": "Job deleted successfully",
        "deleted_job": {"id": str(job.uid), "name": "hourly"},
    }
    assert not Job.objects.exists()
    assert Entry.objects.filter(event="deleted", actor=uma).count() == 1
    assert api(uma).delete(f"{URL}/{job.uid}").status_code == 404


def test_a_pause_has_a_reason_and_an_end(api: Api, uma: User) -> None:
    job = make_job(uma)
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).replace(microsecond=0)
    body = {"reason": "holiday", "until": until.isoformat()}
    answer = api(uma).post(f"{URL}/{job.uid}/pause", body, format="json")
    assert answer.status_code == 200
    pause = answer.json()["job"]["pause"]
    assert (pause["reason"], pause["by"]) == ("holiday", "uma")
    assert dt.datetime.fromisoformat(pause["until"]) == until
    again = api(uma).post(f"{URL}/{job.uid}/pause")
    assert (again.status_code, again.json()["message"]) == (200, "Job is paused already")
    answer = api(uma).post(f"{URL}/{job.uid}/resume")
    assert (answer.json()["job"]["is_active"], answer.json()["job"]["pause"]) == (True, None)
    assert api(uma).post(f"{URL}/{job.uid}/resume").json()["message"] == "Job is active already"


def test_a_time_without_an_offset_is_meant_in_the_zone_of_the_job(api: Api, uma: User) -> None:
    job = make_job(uma, timezone="Europe/Berlin")
    answer = api(uma).post(f"{URL}/{job.uid}/pause", {"until": "2099-07-01T12:00:00"}, format="json")
    assert answer.json()["job"]["pause"]["until"] == "2099-07-01T19:00:00+09:00"


@pytest.mark.parametrize(
    ("body", "label"),
    [
        ({"until": "2001-01-01T00:00:00Z"}, "Invalid until"),
        ({"until": "later"}, "Invalid until"),
        ({"until": 5}, "Invalid until"),
        ({"until": "9999-12-31T23:59:59-12:00"}, "Invalid until"),
        ({"until": "0001-01-01T00:00:00+12:00"}, "Invalid until"),
        ({"reason": 5}, "Invalid reason"),
        ({"reason": "x" * 501}, "Invalid reason"),
    ],
)
def test_an_odd_pause_is_refused_and_nothing_happens(
    api: Api, uma: User, body: dict[str, Any], label: str
) -> None:
    job = make_job(uma)
    entries = Entry.objects.count()
    answer = api(uma).post(f"{URL}/{job.uid}/pause", body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, label)
    assert Job.objects.get().is_active
    assert Entry.objects.count() == entries


def test_a_job_without_a_schedule_cannot_be_paused(api: Api, uma: User) -> None:
    job = make_job(uma, schedule_kind="none")
    assert api(uma).post(f"{URL}/{job.uid}/pause").status_code == 409


def test_a_job_that_has_ended_cannot_be_resumed(api: Api, uma: User) -> None:
    job = make_job(uma)
    verbs.pause(job, by=Actor(uma, "api"))
    Job.objects.update(end_date="2001-01-01")
    answer = api(uma).post(f"{URL}/{job.uid}/resume")
    assert (answer.status_code, answer.json()["error"]) == (400, "Job expired")


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_pausing_is_for_those_who_may_change_the_job(
    api: Api, ada: User, uma: User, vic: User, verb: str
) -> None:
    url = f"{URL}/{make_job(ada).uid}/{verb}"
    assert api().post(url).status_code == 401
    assert api(vic).post(url).json() == {"detail": "User or admin access required"}
    assert api(uma).post(url).json()["error"] == "Insufficient permissions"
    assert api(ada).get(url).status_code == 405
