"""GET /api/v2/executions and the runs of one job: filters, pages, cursors, statistics."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Category, User
from conftest import Api
from executions.ledger.launch import row
from executions.models import Execution, LogChunk, Reason, State, Trigger
from jobs.models import Job
from jobs.tests.factories import make_job, moment

URL = "/api/v2/executions"
KEYS = {
    "id", "job_id", "status", "trigger_type", "started_at", "completed_at", "duration_seconds", "execution_type",
    "target", "response_status", "error_message", "output", "job_name", "github_repo",
}  # fmt: skip
STATUSES = {
    State.QUEUED: "running",
    State.RUNNING: "running",
    State.SUCCESS: "success",
    State.FAILED: "failed",
    State.TIMEOUT: "failed",
    State.STOPPED: "failed",
    State.LOST: "failed",
    State.ERROR: "failed",
    State.MISSED: "missed",
    State.SKIPPED: "skipped",
}


def run(job: Job, at: str, state: State = State.SUCCESS, *, seconds: float = 2.0, **values: Any) -> Execution:
    """A row of the ledger that started when it was due."""
    due = moment(at)
    execution = row(job, due, due, values.pop("trigger", Trigger.SCHEDULED))
    execution.state = state
    if execution.trigger == Trigger.SCHEDULED:
        execution.scheduled_for = due
    if state not in (State.QUEUED, State.MISSED, State.SKIPPED):
        execution.started_at, execution.attempt = due, 1
    if not execution.is_open and execution.started_at:
        execution.finished_at = due + dt.timedelta(seconds=seconds)
        execution.duration = seconds
    for name, value in values.items():
        setattr(execution, name, value)
    execution.save()
    return execution


def dues(answer: Any) -> list[str]:
    return [found["due_at"][11:16] for found in answer.json()["executions"]]


def test_a_run_is_told_with_the_keys_and_formats_of_the_dialect(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    execution = run(
        job, "2026-03-01 10:00", State.FAILED, error="Webhook returned status 500", response_status=500
    )
    for text in ("GET https://1.1.1.1/hook\n500\n", "sorry"):
        LogChunk.objects.create(execution=execution, attempt=1, at=execution.due_at, text=text)
    found = api(vic).get(f"{URL}/{execution.uid}").json()["execution"]
    assert set(found) >= KEYS
    assert {key: found[key] for key in KEYS} == {
        "id": str(execution.uid),
        "job_id": str(job.uid),
        "job_name": "hourly",
        "github_repo": None,
        "status": "failed",
        "trigger_type": "scheduled",
        "started_at": "2026-03-01T10:00:00.000Z",
        "completed_at": "2026-03-01T10:00:02.000Z",
        "duration_seconds": 2.0,
        "execution_type": "webhook",
        "target": "https://1.1.1.1/hook",
        "response_status": 500,
        "error_message": "Webhook returned status 500",
        "output": "sorry",
    }


@pytest.mark.parametrize(("state", "status"), STATUSES.items())
def test_every_state_has_its_status(api: Api, vic: User, uma: User, state: State, status: str) -> None:
    execution = run(make_job(uma), "2026-03-01 10:00", state)
    found = api(vic).get(f"{URL}/{execution.uid}").json()["execution"]
    assert (found["status"], found["state"]) == (status, state)


def test_a_due_time_without_a_run_says_why(api: Api, vic: User, uma: User) -> None:
    execution = run(make_job(uma), "2026-03-01 10:00", State.MISSED, reason=Reason.DEADLINE)
    found = api(vic).get(f"{URL}/{execution.uid}").json()["execution"]
    assert found["reason"] == "deadline"
    assert "deadline" in found["error_message"]


def test_the_list_leaves_out_what_never_ran_unless_asked(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    for minute, state in enumerate(STATUSES):
        run(job, f"2026-03-01 10:{minute:02}", state)
    answer = api(vic).get(URL)
    assert answer.json()["total"] == 8
    assert dues(answer) == [f"10:0{minute}" for minute in range(7, -1, -1)]
    assert dues(api(vic).get(f"{URL}?status=missed,skipped")) == ["10:09", "10:08"]
    assert dues(api(vic).get(f"{URL}?status=failed, running")) == [f"10:0{m}" for m in (7, 6, 5, 4, 3, 1, 0)]
    assert dues(api(vic).get(f"{URL}?state=timeout,missed")) == ["10:08", "10:04"]
    assert dues(api(vic).get(f"{URL}?status=nonsense")) == []
    assert api(vic).get(f"{URL}?status=").json()["total"] == 8


def test_runs_are_filtered_by_job_trigger_and_kind(api: Api, vic: User, uma: User) -> None:
    call = make_job(uma, name="call")
    github = make_job(
        uma, name="github", kind="github_actions", options={"owner": "o", "repo": "r", "workflow": "w.yml"}
    )
    run(call, "2026-03-01 10:00")
    run(call, "2026-03-01 10:01", trigger=Trigger.MANUAL)
    run(github, "2026-03-01 10:02")
    assert dues(api(vic).get(f"{URL}?job_id={call.uid}")) == ["10:01", "10:00"]
    assert dues(api(vic).get(f"{URL}?trigger_type=manual")) == ["10:01"]
    answer = api(vic).get(f"{URL}?execution_type=github_actions")
    assert dues(answer) == ["10:02"]
    assert answer.json()["executions"][0]["github_repo"] == "r"
    for odd in (f"job_id={uuid.uuid4()}", "job_id=x", "trigger_type=x", "execution_type=x"):
        assert dues(api(vic).get(f"{URL}?{odd}")) == []


def test_a_range_goes_by_the_start_of_a_run(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    run(job, "2026-03-01 23:59", started_at=moment("2026-03-02 00:01"))
    run(job, "2026-03-02 10:00")
    run(job, "2026-03-03 00:00")
    run(job, "2026-03-02 11:00", State.QUEUED)
    for query in (
        "from=2026-03-02&to=2026-03-02",
        "from=2026-03-02T00:00:00Z&to=2026-03-03T09:00:00%2B09:00",
    ):
        assert dues(api(vic).get(f"{URL}?{query}")) == ["11:00", "10:00", "23:59"]
    assert dues(api(vic).get(f"{URL}?from=2026-03-03")) == ["00:00"]


@pytest.mark.parametrize(
    ("query", "status", "label"),
    [
        ("from=yesterday", 400, "Invalid date"),
        ("from=2026-03-02&to=2026-03-01", 400, "Invalid date range"),
        ("to=9999-12-31", 400, "Invalid date"),
        ("cursor=%F0%9F", 400, ""),
        ("cursor=abc", 400, "Invalid cursor"),
        ("cursor=MjAyNi0wMy0wMSAx", 400, "Invalid cursor"),
        ("status=%00", 400, "Invalid parameter"),
        ("page=0", 422, ""),
        ("page=x", 422, ""),
        ("limit=0", 422, ""),
        ("limit=201", 422, ""),
        ("limit=1e3", 422, ""),
    ],
)
def test_odd_parameters_are_refused(api: Api, vic: User, query: str, status: int, label: str) -> None:
    answer = api(vic).get(f"{URL}?{query}")
    assert answer.status_code == status
    assert not label or answer.json()["error"] == label


def test_pages_have_a_total_and_an_end(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    for minute in range(5):
        run(job, f"2026-03-01 10:0{minute}")
    answer = api(vic).get(f"{URL}?page=2&limit=2")
    assert dues(answer) == ["10:02", "10:01"]
    counts = {key: answer.json()[key] for key in ("total", "page", "limit", "total_pages")}
    assert counts == {"total": 5, "page": 2, "limit": 2, "total_pages": 3}
    for page in ("4", "999999999", "9" * 40):
        assert dues(api(vic).get(f"{URL}?page={page}&limit=2")) == []
    assert api(vic).get(f"{URL}?status=missed").json()["total_pages"] == 0


def test_cursors_walk_through_all_runs_without_counting(api: Api, vic: User, uma: User) -> None:
    jobs = [make_job(uma, name=f"job {number}") for number in range(2)]
    for minute in range(4):
        for job in jobs:  # two rows for each due time: the key decides between them
            run(job, f"2026-03-01 10:0{minute}")
    seen: list[str] = []
    cursor: str | None = ""
    client = api(vic)
    while cursor is not None:
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"{URL}?cursor={cursor}&limit=3").json()
        assert not any("COUNT(" in query["sql"] for query in queries)
        assert "total" not in answer
        seen += [found["id"] for found in answer["executions"]]
        cursor = answer["next_cursor"]
    assert len(seen) == len(set(seen)) == 8
    assert seen == [found["id"] for found in client.get(URL).json()["executions"]]


@pytest.mark.parametrize("of_one_job", [True, False])
def test_cursors_lead_back_to_where_one_came_from(api: Api, vic: User, uma: User, of_one_job: bool) -> None:
    jobs = [make_job(uma)] if of_one_job else [make_job(uma, name=f"job {number}") for number in range(2)]
    for minute in range(6):
        for job in jobs:
            run(job, f"2026-03-01 10:0{minute}")
    url = f"/api/v2/jobs/{jobs[0].uid}/executions" if of_one_job else URL
    client = api(vic)

    def walk(cursor: str, key: str) -> list[dict[str, Any]]:
        answers = [client.get(url, {"cursor": cursor, "limit": "2"}).json()]
        while cursor := answers[-1][key] or "":
            answers.append(client.get(url, {"cursor": cursor, "limit": "2"}).json())
        return answers

    there = walk("", "next_cursor")
    assert len(there) == len(jobs) * 3
    assert there[0]["previous_cursor"] is None
    back = walk(there[-1]["previous_cursor"], "previous_cursor")
    assert [answer["executions"] for answer in reversed(back)] == [
        answer["executions"] for answer in there[:-1]
    ]
    assert back[0]["next_cursor"] is not None


def test_pages_by_number_have_cursors_to_both_sides(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    for minute in range(3):
        run(job, f"2026-03-01 10:0{minute}")
    pages = [api(vic).get(f"{URL}?limit=1&page={number}").json() for number in (1, 2, 3)]
    assert [page["total"] for page in pages] == [3, 3, 3]
    assert [page["previous_cursor"] is None for page in pages] == [True, False, False]
    assert [page["next_cursor"] is None for page in pages] == [False, False, True]
    assert dues(api(vic).get(URL, {"cursor": pages[1]["previous_cursor"]})) == ["10:02"]


def test_a_page_leads_on_to_the_cursor(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    for minute in range(3):
        run(job, f"2026-03-01 10:0{minute}")
    cursor = api(vic).get(f"{URL}?limit=2").json()["next_cursor"]
    assert dues(api(vic).get(URL, {"cursor": cursor})) == ["10:00"]


def test_the_list_takes_as_many_queries_for_fifty_runs_as_for_one(api: Api, vic: User, uma: User) -> None:
    client, job = api(vic), make_job(uma)

    def count() -> list[int]:
        counts = []
        for url in (f"{URL}?limit=50", f"{URL}?limit=50&cursor=", f"/api/v2/jobs/{job.uid}/executions"):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.append(len(queries))
        return counts

    def more(minutes: range) -> None:
        for minute in minutes:
            execution = run(job, f"2026-03-01 10:{minute:02}", requested_by=uma)
            LogChunk.objects.create(execution=execution, attempt=1, at=execution.due_at, text="x")

    more(range(1))
    few = count()
    more(range(1, 50))
    assert count() == few


def test_the_runs_of_a_job_are_counted_as_returned(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    run(make_job(uma, name="other"), "2026-03-01 10:00")
    for minute in range(4):
        run(job, f"2026-03-01 10:0{minute}", State.FAILED if minute % 2 else State.SUCCESS)
    answer = api(vic).get(f"/api/v2/jobs/{job.uid}/executions?limit=3&status=success,failed")
    assert dues(answer) == ["10:03", "10:02", "10:01"]
    body = answer.json()
    assert (body["job_id"], body["job_name"], body["total_executions"]) == (str(job.uid), "hourly", 3)
    assert dues(api(vic).get(f"/api/v2/jobs/{job.uid}/executions", {"cursor": body["next_cursor"]})) == [
        "10:00"
    ]
    assert dues(api(vic).get(f"/api/v2/jobs/{job.uid}/executions?status=failed")) == ["10:03", "10:01"]


def test_a_run_is_found_below_its_own_job_only(api: Api, vic: User, uma: User) -> None:
    job, other = make_job(uma), make_job(uma, name="other")
    execution = run(job, "2026-03-01 10:00")
    answer = api(vic).get(f"/api/v2/jobs/{job.uid}/executions/{execution.uid}").json()
    assert answer["job"] == {"id": str(job.uid), "name": "hourly"}
    assert answer["execution"]["id"] == str(execution.uid)
    answer = api(vic).get(f"/api/v2/jobs/{other.uid}/executions/{execution.uid}")
    assert (answer.status_code, answer.json()["error"]) == (404, "Execution not found")
    answer = api(vic).get(f"/api/v2/jobs/nothing/executions/{execution.uid}")
    assert (answer.status_code, answer.json()["error"]) == (404, "Job not found")


def test_the_statistics_of_a_job(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    empty = api(vic).get(f"/api/v2/jobs/{job.uid}/executions/stats").json()
    assert empty["statistics"]["average_duration_seconds"] is None
    assert empty["latest_execution"] is None
    run(job, "2026-03-01 10:00", seconds=1)
    run(job, "2026-03-01 10:01", seconds=2.015)
    run(job, "2026-03-01 10:02", State.TIMEOUT, seconds=100)
    run(job, "2026-03-01 10:03", State.MISSED)
    body = api(vic).get(f"/api/v2/jobs/{job.uid}/executions/stats").json()
    assert body["statistics"] == {
        "total_executions": 3,
        "success_count": 2,
        "failed_count": 1,
        "running_count": 0,
        "success_rate": 66.67,
        "average_duration_seconds": pytest.approx(1.51),
    }
    assert body["latest_execution"]["due_at"] == "2026-03-01T10:02:00.000Z"


def test_the_statistics_of_all_jobs(api: Api, vic: User, uma: User) -> None:
    assert api(vic).get(f"{URL}/statistics").json()["average_duration_seconds"] == 0.0
    job, other = make_job(uma), make_job(uma, name="other")
    run(job, "2026-03-01 10:00", seconds=1)
    run(job, "2026-03-02 10:00", State.FAILED, seconds=3)
    run(other, "2026-03-02 11:00", State.QUEUED)
    body = api(vic).get(f"{URL}/statistics").json()
    assert (body["total_executions"], body["successful_executions"]) == (3, 1)
    assert (body["failed_executions"], body["running_executions"]) == (1, 1)
    assert body["success_rate"] == pytest.approx(100 / 3)
    assert body["average_duration_seconds"] == 2.0
    assert body["range"] == {"from": None, "to": None}
    body = api(vic).get(f"{URL}/statistics?job_id={job.uid}&from=2026-03-02&to=2026-03-02").json()
    assert body["total_executions"] == 1
    assert body["range"] == {"from": "2026-03-02T00:00:00+00:00", "to": "2026-03-03T00:00:00+00:00"}


def test_a_job_tells_when_it_ran_last(api: Api, vic: User, uma: User) -> None:
    job = make_job(uma)
    run(job, "2026-03-01 10:00")
    run(job, "2026-03-01 11:00", State.RUNNING)
    run(job, "2026-03-01 12:00", State.MISSED)
    listed = api(vic).get("/api/v2/jobs").json()["jobs"][0]["last_execution_at"]
    single = api(vic).get(f"/api/v2/jobs/{job.uid}").json()["job"]["last_execution_at"]
    assert (listed, single) == ("2026-03-01T11:00:00.000Z", "2026-03-01T11:00:00.000000")


def test_the_ledger_outlives_its_job(api: Api, vic: User, ada: User) -> None:
    job = make_job(ada)
    execution = run(job, "2026-03-01 10:00")
    assert api(ada).delete(f"/api/v2/jobs/{job.uid}").status_code == 200
    found = api(vic).get(f"{URL}/{execution.uid}").json()["execution"]
    assert (found["job_id"], found["job_name"]) == (str(job.uid), "hourly")


def test_a_user_with_a_category_sees_the_runs_of_that_category_only(api: Api, vic: User, ada: User) -> None:
    night = Category.objects.create(name="Night")
    mine = run(make_job(ada, name="mine", category=night.pk), "2026-03-01 10:00")
    hidden_job = make_job(ada, name="hidden")
    hidden = run(hidden_job, "2026-03-01 11:00")
    vic.category = night
    vic.save()
    assert dues(api(vic).get(URL)) == ["10:00"]
    assert api(vic).get(f"{URL}/statistics").json()["total_executions"] == 1
    assert api(vic).get(f"{URL}/{mine.uid}").status_code == 200
    for path in (f"{hidden.uid}", f"{hidden.uid}/log"):
        assert api(vic).get(f"{URL}/{path}").status_code == 404
    assert api(vic).get(f"/api/v2/jobs/{hidden_job.uid}/executions").status_code == 404
    assert dues(api(vic).get(f"{URL}?job_id={hidden_job.uid}")) == []


@pytest.mark.parametrize(
    "execution_id", ["72df09ce-9529-4782-9c92-94e23a76d4ee", "nothing", "%00", "statistics2", "9" * 300]
)
def test_an_unknown_run_is_not_found(api: Api, ada: User, execution_id: str) -> None:
    assert api(ada).get(f"{URL}/{execution_id}").status_code == 404
    assert api(ada).get(f"{URL}/{execution_id}/log").status_code == 404
    assert api(ada).post(f"{URL}/{execution_id}/stop").status_code == 404


def test_times_are_in_milliseconds(api: Api, vic: User, uma: User) -> None:
    run(make_job(uma), "2026-03-01 10:00")
    found = api(vic).get(URL).json()["executions"][0]
    assert re.fullmatch(r"2026-03-01T10:00:00\.000Z", found["started_at"])
