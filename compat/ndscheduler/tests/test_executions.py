"""`/executions`: runs as this dialect shows them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from executions.models import Execution, LogChunk, Reason, State
from jobs.models import Job

from .conftest import AWESOME, HEX, V1, Speak, native_job, told, trail

WHEN = dt.datetime(2023, 1, 1, 18, 20, 5, 604708, tzinfo=dt.UTC)


def run_of(client: V1, job_id: str, **values: Any) -> Execution:
    """A run by hand, as it is after `values`."""
    answer = client.ask("POST", f"/executions/{job_id}")
    assert answer.status_code == 200, answer.content
    runs = Execution.objects.filter(uid=json.loads(answer.content)["execution_id"])
    runs.update(**values)
    return runs.get()


def shown(client: V1, **values: Any) -> dict[str, Any]:
    run = run_of(client, client.add(), **values)
    found: dict[str, Any] = client.get(f"/executions/{run.uid.hex}")
    return found


def test_a_run_that_waits(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add(name="Poll")
    run = run_of(client, job_id, due_at=WHEN, created_at=WHEN)
    golden = {
        "execution_id": run.uid.hex,
        "state": "scheduled",
        "hostname": "",
        "pid": -1,
        "task_id": "",
        "description": "",
        "result": None,
        "scheduled_time": "2023-01-01T18:20:05.604708+00:00",
        "updated_time": "2023-01-01T18:20:05.604708+00:00",
        "job": {
            "job_id": job_id,
            "name": "Poll",
            "job_class_string": AWESOME,
            "task_name": AWESOME,
            "pub_args": ["API參數1", "API參數2"],
            "month": "*",
            "day": "*",
            "week": "*",
            "day_of_week": "*",
            "hour": "*",
            "minute": "*/5",
        },
    }
    assert client.get(f"/executions/{run.uid.hex}") == golden
    assert client.get(f"/executions/{run.uid}") == golden


def test_a_run_that_has_succeeded(ada: User, v1: Speak) -> None:
    end = WHEN + dt.timedelta(seconds=2)
    seen = shown(
        v1(ada),
        state=State.SUCCESS,
        worker="box:4711",
        started_at=WHEN,
        finished_at=end,
        result='["一", {"a": 1}]',
    )
    assert (seen["state"], seen["hostname"], seen["pid"]) == ("succeeded", "box", 4711)
    assert seen["task_id"] == seen["execution_id"]
    assert seen["description"] == "hostname: box | pid: 4711"
    assert seen["result"] == '[\n    "一",\n    {\n        "a": 1\n    }\n]'
    assert seen["updated_time"] == "2023-01-01T18:20:07.604708+00:00"


def test_a_run_without_a_return_value(ada: User, v1: Speak) -> None:
    assert shown(v1(ada), state=State.SUCCESS)["result"] == "null"


@pytest.mark.parametrize(
    ("values", "state", "result"),
    [
        ({"state": State.RUNNING}, "running", None),
        ({"state": State.RUNNING, "stop_requested_at": WHEN}, "stopping", None),
        ({"state": State.STOPPED, "reason": Reason.STOPPED}, "stopped", "stopped by hand"),
        ({"state": State.FAILED, "error": "ValueError: x"}, "failed", "ValueError: x"),
        ({"state": State.TIMEOUT, "error": "Not finished"}, "timeout", "Not finished"),
        ({"state": State.LOST, "reason": Reason.LOST}, "failed", str(Reason.LOST.label)),
        ({"state": State.ERROR, "error": "ImportError: no"}, "scheduled error", "ImportError: no"),
        ({"state": State.MISSED, "reason": Reason.DEADLINE}, "scheduled error", str(Reason.DEADLINE.label)),
    ],
)
def test_each_state_has_its_word(
    ada: User, v1: Speak, values: dict[str, Any], state: str, result: str | None
) -> None:
    seen = shown(v1(ada), **values)
    assert (seen["state"], seen["result"]) == (state, result)


def test_a_failed_run_shows_the_traceback_that_it_wrote(ada: User, v1: Speak) -> None:
    client = v1(ada)
    run = run_of(client, client.add(), state=State.FAILED, error="ValueError: x", attempt=2)
    text = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: x'
    for attempt, piece in [
        (1, "Traceback (most recent call last):\nold"),
        (2, "hello\n"),
        (2, f"more\n{text}\n"),
    ]:
        LogChunk.objects.create(execution=run, attempt=attempt, at=WHEN, text=piece)
    assert client.get(f"/executions/{run.uid.hex}")["result"] == text
    assert client.get("/executions")["executions"][0]["result"] == text


def test_running_a_job_by_hand_is_in_the_trail_with_the_run(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    client.ask("PATCH", f"/jobs/{job_id}")
    run = run_of(client, job_id)
    assert trail(job_id) == [("added", "ada"), ("paused", "ada"), ("custom_run", "ada")]
    assert client.get("/logs")["logs"][0]["description"] == run.uid.hex


def test_jobs_of_this_dialect_may_run_side_by_side(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    assert {run_of(client, job_id).held for _ in range(9)} == {False}


def test_a_job_whose_rule_is_to_skip_is_not_started_twice(ada: User, v1: Speak) -> None:
    client, job = v1(ada), native_job(ada)
    run_of(client, job.uid.hex)
    assert told(client.ask("POST", f"/executions/{job.uid.hex}")) == (
        400,
        "A run of this job has not ended yet.",
    )


def test_runs_of_a_deleted_job_stay_without_it(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    run = run_of(client, job_id)
    client.ask("DELETE", f"/jobs/{job_id}")
    assert "job" not in client.get(f"/executions/{run.uid.hex}")
    assert "job" not in client.get("/executions")["executions"][0]


@pytest.mark.parametrize("execution_id", [HEX, "x", "1", "a" * 500])
def test_unknown_ids_are_told(ada: User, v1: Speak, execution_id: str) -> None:
    client = v1(ada)
    path = f"/executions/{execution_id}"
    assert told(client.ask("GET", path)) == (400, f"Execution not found: {execution_id}")
    assert told(client.ask("POST", path)) == (400, f"Job not found: {execution_id}")
    assert client.ask("DELETE", path).status_code == 501
    assert told(client.ask("POST", "/executions")) == (400, "Job id is required")


# Lists -----------------------------------------------------------------------------------------------------------------


def at(minutes: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(minutes=minutes)


def ids(client: V1, query: str = "") -> list[str]:
    return [run["execution_id"] for run in client.get(f"/executions{query}")["executions"]]


def test_the_last_ten_minutes_are_listed_the_last_changed_first(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    old = run_of(client, job_id, due_at=at(11))
    slow = run_of(client, job_id, due_at=at(9), started_at=at(8), finished_at=at(1), state=State.SUCCESS)
    quick = run_of(client, job_id, due_at=at(5), started_at=at(5), finished_at=at(4), state=State.SUCCESS)
    assert ids(client) == [slow.uid.hex, quick.uid.hex]
    assert old.uid.hex not in ids(client)


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2023-01-01T18:20:05.604708Z", "2023-01-01T18:20:05.604708Z", True),
        ("2023-01-01T18:20:05.604709Z", "2023-01-02T00:00:00Z", False),
        ("2023-01-01T00:00:00.000Z", "2023-01-01T18:20:05.604Z", False),
        ("2023-01-01T18:00:00", "2023-01-01T19:00:00", True),
        ("2023-01-02T02:00:00%2B08:00", "2023-01-02T03:00:00%2B08:00", True),
        ("2023-01-02T02:00:00+08:00", "2023-01-02T03:00:00+08:00", True),
        ("2023-01-02T02:00:00.123+0800", "2023-01-02T03:00:00+0800", True),
        ("2023-01-02", "2023-01-01", False),
        ("2023-01-01", "", True),
    ],
)
def test_a_range_holds_both_of_its_ends(ada: User, v1: Speak, start: str, end: str, found: bool) -> None:
    client = v1(ada)
    run_of(client, client.add(), due_at=WHEN)
    assert bool(ids(client, f"?time_range_start={start}&time_range_end={end}")) is found


@pytest.mark.parametrize(
    "text",
    ["yesterday", "1", "2023-13-01", "2023-01-01T25:00:00", "%00", "9" * 400, "0001-01-01T00:00:00%2B23:59"],
)
@pytest.mark.parametrize("path", ["/executions", "/logs"])
@pytest.mark.parametrize("name", ["time_range_start", "time_range_end"])
def test_a_time_that_cannot_be_read_is_refused(ada: User, v1: Speak, path: str, name: str, text: str) -> None:
    status, error = told(v1(ada).ask("GET", f"{path}?{name}={text}"))
    assert status == 400
    assert name in error


def test_due_times_that_did_not_run_are_not_listed(ada: User, v1: Speak) -> None:
    client = v1(ada)
    run_of(client, client.add(), state=State.MISSED)
    assert ids(client) == []


def test_lists_hold_the_own_category(ada: User, olli: User, rita: User, v1: Speak) -> None:
    theirs = run_of(v1(ada), v1(ada).add(name="a"))
    own = run_of(v1(olli), v1(olli).add(name="b"))
    for user in (olli, rita):
        assert ids(v1(user)) == [own.uid.hex]
        assert v1(user).ask("GET", f"/executions/{theirs.uid.hex}").status_code == 400
    assert len(ids(v1(ada))) == 2
    assert told(v1(olli).ask("POST", f"/executions/{theirs.job_uid.hex}"))[0] == 400


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(
    ada: User, v1: Speak, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = v1(ada)
    for _ in range(3):
        job_id = client.add()
        for state in (State.SUCCESS, State.FAILED, State.QUEUED):
            run_of(client, job_id, state=state)
        with django_assert_num_queries(5):  # account, runs, jobs, schedules, tracebacks
            client.get("/executions")
    assert Job.objects.count() == 3
