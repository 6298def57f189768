"""GET /api/tasks, one task, its runs and what they wrote (document, "获取所有任务", "获取任务状态"; wire facts, 4 and 6)."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Category, User
from compat.conda_tasks.tests import rows
from compat.conda_tasks.tests.conftest import Speak
from compat.conda_tasks.wire import without_overwritten
from executions.models import Execution, Reason, State
from jobs.models import Job
from jobs.models.stored_schedule import NEVER, Timing
from jobs.tests.factories import make_job
from scheduler_site.lib import clock

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
LISTED = {
    "task_id", "task_name", "status", "script_path", "conda_env", "created_at", "cron_expression",
    "next_run_time_formatted", "last_run_time_formatted", "last_run_duration_formatted", "completed_at",
}  # fmt: skip
RUN = {
    "execution_id", "start_time", "end_time", "status", "duration", "peak_memory", "avg_memory", "exit_code", "logs",
}  # fmt: skip
MB = 1024 * 1024


@pytest.fixture
def nightly(coder: User) -> Job:
    return rows.task(coder, rows.environment(coder))


def test_the_list_has_all_tasks_by_number(
    old: Speak, coder: User, cody: User, nightly: Job, vic: User
) -> None:
    other = rows.task(cody, nightly.environment, NEVER, name="another")  # type: ignore[arg-type]
    make_job(coder)  # a webhook is no task
    rows.run(nightly, State.SUCCESS, ago=0, seconds=2.5)
    for user in (coder, cody, vic):
        found = old(user).get("/api/tasks")
        assert [task["task_id"] for task in found] == [nightly.pk, other.pk]
        assert all(set(task) == LISTED for task in found)
    first, second = found
    assert (first["status"], first["cron_expression"], first["conda_env"]) == (
        "completed",
        "0 3 * * *",
        "data",
    )
    assert first["last_run_duration_formatted"] == 2.5
    assert all(TIME.fullmatch(first[name]) for name in LISTED if name.endswith(("_time_formatted", "_at")))
    assert (second["last_run_time_formatted"], second["completed_at"]) == (None, None)


def test_who_has_a_category_sees_its_tasks_only(old: Speak, coder: User, nightly: Job) -> None:
    coder.category = Category.objects.create(name="Ops")
    coder.save()
    client = old(coder)
    assert client.get("/api/tasks") == []
    assert client.ask("GET", f"/api/tasks/{nightly.pk}")[0] == 404


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.SUCCESS, "completed"),
        (State.FAILED, "failed"),
        (State.TIMEOUT, "failed"),
        (State.LOST, "failed"),
        (State.ERROR, "failed"),
        (State.STOPPED, "stopped"),
        (State.RUNNING, "running"),
        (State.SKIPPED, "scheduled"),
        (State.MISSED, "scheduled"),
    ],
)
def test_a_cron_task_shows_how_its_last_run_stands(
    old: Speak, coder: User, nightly: Job, state: str, status: str
) -> None:
    Job.objects.filter(pk=nightly.pk).update(updated_at=timezone.now() - dt.timedelta(days=1))
    rows.run(nightly, state)
    task = old(coder).get(f"/api/tasks/{nightly.pk}")["task"]
    assert task["status"] == status
    assert TIME.fullmatch(task["next_run_time"])


def test_a_suspended_run_is_paused_and_a_waiting_one_scheduled(old: Speak, coder: User, nightly: Job) -> None:
    client = old(coder)
    run = rows.run(nightly, State.RUNNING, suspended_at=clock.now())
    assert client.get(f"/api/tasks/{nightly.pk}")["task"]["status"] == "paused"
    run.delete()
    rows.run(nightly, State.QUEUED, attempt=0, started_at=None)
    found = client.get(f"/api/tasks/{nightly.pk}")
    assert (found["task"]["status"], found["execution_history"]) == ("scheduled", [])
    assert (found["latest_execution"], found["task"]["last_execution_id"]) == (None, None)


def test_a_one_time_task_whose_time_was_missed_has_failed(old: Speak, coder: User) -> None:
    past = Timing("once", at=clock.now() - dt.timedelta(hours=5))
    job = rows.task(coder, rows.environment(coder), past)
    assert old(coder).get(f"/api/tasks/{job.pk}")["task"]["status"] == "failed"


def test_a_task_is_shown_with_its_runs(old: Speak, coder: User, nightly: Job) -> None:
    sizes = {"peak_memory": int(128.5 * MB), "mean_memory": 64 * MB}
    older = rows.run(nightly, State.SUCCESS, ago=7200, seconds=45.2, exit_code=0, **sizes)
    newer = rows.run(nightly, State.FAILED, ago=3600, seconds=4, exit_code=3)
    rows.write(newer, "one\n", "two\n")
    rows.run(nightly, State.SKIPPED, ago=60)
    found = old(coder).get(f"/api/tasks/{nightly.pk}")
    assert set(found) == {
        "success", "task", "execution_history", "performance_metrics", "latest_execution",
    }  # fmt: skip
    task = found["task"]
    assert task["executions"] == [str(older.uid), str(newer.uid)]
    assert (task["last_execution_id"], task["last_run_duration"]) == (str(newer.uid), 4)
    first, last = found["execution_history"]
    assert set(first) == set(last) == set(found["latest_execution"]) == RUN
    assert (first["status"], first["duration"], first["exit_code"]) == ("completed", 45.2, 0)
    assert (first["peak_memory"], first["avg_memory"]) == (128.5, 64.0)
    assert found["latest_execution"] == last | {"logs": "one\ntwo\n"}
    assert found["performance_metrics"] == {
        "durations": [45.2, 4],
        "timestamps": [first["start_time"], last["start_time"]],
        "peak_memories": [128.5, None],
        "avg_memories": [64.0, None],
    }


def test_a_running_run_is_no_value_of_the_picture(old: Speak, coder: User, nightly: Job) -> None:
    rows.write(rows.run(nightly, State.RUNNING), "so far")
    found = old(coder).get(f"/api/tasks/{nightly.pk}")
    assert found["performance_metrics"]["durations"] == []
    latest = found["latest_execution"]
    assert (latest["status"], latest["end_time"], latest["duration"]) == ("running", None, None)
    assert latest["logs"] == "so far"


def test_results_are_shown_for_30_days(old: Speak, coder: User, nightly: Job) -> None:
    day = 86400
    rows.run(nightly, State.SUCCESS, ago=31 * day)
    kept = rows.run(nightly, State.SUCCESS, ago=29 * day)
    client = old(coder)
    assert client.get(f"/api/tasks/{nightly.pk}")["task"]["executions"] == [str(kept.uid)]
    assert len(client.get("/api/tasks/history")["data"]) == 1


@pytest.mark.parametrize("key", ["0", "999999", "x", "1.5", "-1", "9" * 30, "%00", "١"])
def test_what_is_no_task_is_404(old: Speak, coder: User, key: str) -> None:
    status, body = old(coder).ask("GET", f"/api/tasks/{key}")
    assert (status, body["success"], set(body)) == (404, False, {"success", "message"})
    if key.isascii() and key.isalnum():
        assert body["message"] == f"Task with ID {key} not found"


def test_a_webhook_is_no_task(old: Speak, coder: User) -> None:
    assert old(coder).ask("GET", f"/api/tasks/{make_job(coder).pk}")[0] == 404


def test_the_log_of_a_run_grows_until_it_is_complete(old: Speak, coder: User, nightly: Job) -> None:
    run = rows.run(nightly, State.RUNNING)
    rows.write(run, "10%\r", "20%\r", "30%")
    client, path = old(coder), f"/api/tasks/{nightly.pk}/executions/{run.uid}/logs"
    found = client.get(path)
    assert TIME.fullmatch(found.pop("last_update"))
    assert found == {
        "success": True,
        "task_id": nightly.pk,
        "execution_id": str(run.uid),
        "logs": "30%",
        "is_complete": False,
    }
    rows.write(run, "\rdone\n")
    rows.end(run, State.SUCCESS)
    found = client.get(path)
    assert (found["logs"], found["is_complete"]) == ("done\n", True)


@pytest.mark.parametrize("key", ["01234567-89ab-cdef-0123-456789abcdef", "x", "1"])
def test_a_run_that_is_none_of_the_task_is_404(old: Speak, coder: User, nightly: Job, key: str) -> None:
    other = rows.run(rows.task(coder, nightly.environment, name="other"), State.SUCCESS)  # type: ignore[arg-type]
    for one in (key, str(other.uid)):
        status, body = old(coder).ask("GET", f"/api/tasks/{nightly.pk}/executions/{one}/logs")
        assert (status, body) == (404, {"success": False, "message": f"Execution with ID {one} not found"})


def test_a_run_that_could_not_start_says_why(old: Speak, coder: User, nightly: Job) -> None:
    rows.run(nightly, State.ERROR, started_at=None, duration=None, error="The environment does not exist.")
    latest = old(coder).get(f"/api/tasks/{nightly.pk}")["latest_execution"]
    assert (latest["status"], latest["duration"]) == ("failed", 0.0)
    assert latest["logs"] == "[The environment does not exist.]\n"
    assert TIME.fullmatch(latest["start_time"])


@pytest.mark.parametrize(("code", "shown"), [(-15, -15), (0, None), (143, None), (None, None)])
def test_a_stopped_run_has_a_line_that_says_so(
    old: Speak, coder: User, nightly: Job, code: int | None, shown: int | None
) -> None:
    run = rows.run(nightly, State.STOPPED, exit_code=code, reason=Reason.STOPPED)
    rows.write(run, "working")
    latest = old(coder).get(f"/api/tasks/{nightly.pk}")["latest_execution"]
    assert (latest["status"], latest["exit_code"]) == ("stopped", shown)
    assert re.fullmatch(r"working\n\[.*stopped.*\]\n", latest["logs"], re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\n", "a\nb\n"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("1%\r2%\r3%\nok\n", "3%\nok\n"),
        ("1%\r2%\r", "2%"),
        ("\r1%\r\r2%", "2%"),
        ("x\n1%\r2%", "x\n2%"),
    ],
)
def test_of_a_progress_bar_the_last_state_is_shown(text: str, shown: str) -> None:
    assert without_overwritten(text) == shown


def test_the_number_of_statements_does_not_grow_with_the_tasks(old: Speak, coder: User, nightly: Job) -> None:

    client = old(coder)

    def statements(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(path)
        return len(seen)

    paths = ("/api/tasks", "/api/tasks/stats", "/api/tasks/history", f"/api/tasks/{nightly.pk}")
    rows.run(nightly, State.SUCCESS)
    before = {path: statements(path) for path in paths}
    for number in range(5):
        job = rows.task(coder, nightly.environment, name=f"task {number}")  # type: ignore[arg-type]
        rows.run(job, State.SUCCESS)
        rows.run(nightly, State.FAILED)
    assert {path: statements(path) for path in paths} == before
    assert Execution.objects.count() == 11
