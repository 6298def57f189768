"""`/logs`: the audit trail of jobs in the words of this dialect."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import time_machine

from accounts.models import User
from jobs.models import Job

from .conftest import AWESOME, BODY, V1, Speak, native_job

NOW = dt.datetime(2023, 1, 1, 1, 20, 23, 843895, tzinfo=dt.UTC)


def descriptions(client: V1) -> dict[str, Any]:
    """By event; texts of JSON read."""
    return {
        log["event"]: json.loads(log["description"])
        if log["description"][:1] in "{[" and log["description"]
        else log["description"]
        for log in client.get("/logs")["logs"]
    }


def test_an_entry(ada: User, v1: Speak) -> None:
    with time_machine.travel(NOW, tick=False):
        client = v1(ada)
        job_id = client.add(name="Import Data Job")
        assert client.get("/logs") == {
            "logs": [
                {
                    "job_id": job_id,
                    "job_name": "Import Data Job",
                    "event": "added",
                    "user": "ada",
                    "description": '["API參數1", "API參數2"]',
                    "created_time": "2023-01-01T01:20:23.843895+00:00",
                }
            ],
            "total": 1,
        }


def test_each_change_is_described_in_the_fields_of_this_dialect(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add(name="first", day_of_week="0")
    changed = BODY | {"name": "second", "pub_args": [1], "day_of_week": "1", "job_class_string": "a.B"}
    client.ask("PUT", f"/jobs/{job_id}", changed)
    client.ask("PATCH", f"/jobs/{job_id}")
    client.ask("OPTIONS", f"/jobs/{job_id}")
    client.ask("POST", f"/executions/{job_id}")
    client.ask("DELETE", f"/jobs/{job_id}")
    logs = client.get("/logs")
    events = ["deleted", "custom_run", "resumed", "paused", "modified", "added"]
    assert [log["event"] for log in logs["logs"]] == events
    assert {log["job_id"] for log in logs["logs"]} == {job_id}
    assert logs["total"] == 6
    told = descriptions(client)
    assert told["added"] == ["API參數1", "API參數2"]
    assert told["paused"] == told["resumed"] == ""
    assert told["modified"]["changes"] == {
        "name": {"old": "first", "new": "second"},
        "job_class_string": {"old": AWESOME, "new": "a.B"},
        "pub_args": {"old": ["API參數1", "API參數2"], "new": [1]},
        "day_of_week": {"old": "mon", "new": "tue"},
    }
    assert dt.datetime.fromisoformat(told["modified"]["timestamp"])
    gone: dict[str, Any] = {"job_id": job_id, "name": "second", "job_class_string": "a.B", "pub_args": [1]}
    gone |= {"category_id": 0, "next_run_time": "", "week": "*", "day_of_week": "tue", "minute": "*/5"}
    assert told["deleted"].items() >= gone.items()


def test_what_happened_on_the_pages_is_there_too(ada: User, v1: Speak) -> None:
    job = native_job(ada)
    log = v1(ada).get("/logs")["logs"][0]
    assert (log["job_id"], log["event"], log["description"]) == (
        job.uid.hex,
        "added",
        '["https://1.1.1.1/hook"]',
    )


def test_a_deleted_job_shows_its_category(olli: User, v1: Speak) -> None:
    client = v1(olli)
    client.ask("DELETE", f"/jobs/{client.add()}")
    assert descriptions(client)["deleted"]["category_id"] == olli.category_id


@pytest.mark.parametrize("name", ["twin", "of two\nlines"])
def test_a_name_that_several_jobs_have_is_shown_without_its_number(ada: User, v1: Speak, name: str) -> None:
    client = v1(ada)
    client.add(name=name)
    client.add(name=name)
    assert {job.name for job in Job.objects.all()} == {name, f"{name} (2)"}
    assert [log["job_name"] for log in client.get("/logs")["logs"]] == [name, name]


def test_a_rejected_call_writes_no_entry(ada: User, rita: User, v1: Speak) -> None:
    v1(ada).ask("POST", "/jobs", BODY | {"minute": "x"})
    v1(rita).ask("POST", "/jobs", BODY)
    v1().ask("POST", "/jobs", BODY)
    assert v1(ada).get("/logs") == {"logs": [], "total": 0}


def test_the_last_day_is_shown_and_only_the_own_category(
    ada: User, olli: User, rita: User, v1: Speak
) -> None:
    with time_machine.travel(dt.datetime.now(dt.UTC) - dt.timedelta(hours=25)):
        v1(ada).add(name="old")
    v1(ada).add(name="general")
    v1(olli).add(name="ops")
    assert [log["job_name"] for log in v1(ada).get("/logs")["logs"]] == ["ops", "general"]
    assert [log["job_name"] for log in v1(olli).get("/logs")["logs"]] == ["ops"]
    assert [log["job_name"] for log in v1(rita).get("/logs")["logs"]] == ["ops"]
    start = (dt.datetime.now(dt.UTC) - dt.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert v1(ada).get(f"/logs?time_range_start={start}")["total"] == 3


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(
    ada: User, v1: Speak, django_assert_num_queries: Any
) -> None:
    client = v1(ada)
    for _ in range(2):
        for _ in range(3):
            client.add()
        with django_assert_num_queries(3):  # account, entries, names
            client.get("/logs")
