"""Stop, trigger, pause, resume, update and delete (document, "停止任务"; wire facts, 4 and 6)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule

from accounts.models import User
from audit.models import Entry
from compat.conda_tasks import actions
from compat.conda_tasks.tests import rows
from compat.conda_tasks.tests.conftest import Old, Speak
from executions.ledger import launch
from executions.models import Execution, State
from jobs.models import Job, Pause, stored_schedule
from jobs.models.stored_schedule import NEVER, Timing
from scheduler_site.lib import clock
from scheduler_site.lib.deferred import Wait

LOCKED = {
    "success": False,
    "message": "Authentication required",
    "error": "Please log in to perform this operation",
}
ACTIONS = ("stop", "trigger", "pause", "resume")


@pytest.fixture
def nightly(coder: User) -> Job:
    return rows.task(coder, rows.environment(coder))


@pytest.fixture
def client(old: Speak, coder: User) -> Old:
    return old(coder)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends at once what is asked to end."""

    until_ended = launch.until_ended

    def ended(run: Execution, seconds: float) -> Wait:
        run.refresh_from_db()
        if run.is_open and run.stop_requested_at:
            rows.end(run, State.STOPPED, exit_code=-15)
        return until_ended(run, seconds)

    monkeypatch.setattr(launch, "until_ended", ended)


def act(client: Old, job: Job, action: str) -> tuple[int, Any]:
    return client.ask("POST", f"/api/tasks/{job.pk}/{action}")


def changed(job: Job, message: str, status: str, previous: str) -> tuple[int, dict[str, Any]]:
    task = {"task_id": job.pk, "task_name": job.name, "status": status, "previous_status": previous}
    return 200, {"success": True, "message": message, "task": task}


def refused(message: str, error: str, status: str) -> tuple[int, dict[str, Any]]:
    return 400, {"success": False, "message": message, "error": error, "current_status": status}


def stand(job: Job, status: str) -> None:
    """Brings a task to this status."""
    Job.objects.filter(pk=job.pk).update(updated_at=timezone.now() - dt.timedelta(days=1))
    states = {"completed": State.SUCCESS, "failed": State.FAILED, "stopped": State.STOPPED}
    if status in states:
        rows.run(job, states[status])
    elif status == "running":
        rows.run(job, State.RUNNING)
    elif status == "paused":
        stored_schedule.set_enabled(job, False)


# Stop ------------------------------------------------------------------------------------------------------------------


def test_a_running_task_is_stopped_and_keeps_its_schedule(client: Old, nightly: Job, worker: None) -> None:
    stand(nightly, "running")
    assert act(client, nightly, "stop") == changed(nightly, "Task stopped successfully", "stopped", "running")
    run = Execution.objects.get()
    assert (run.state, run.exit_code) == (State.STOPPED, -15)
    assert client.get(f"/api/tasks/{nightly.pk}")["task"]["next_run_time"] is not None
    assert Entry.objects.filter(event="stopped", surface="conda").count() == 1


@pytest.mark.parametrize("status", ["scheduled", "completed", "failed", "stopped", "paused"])
def test_only_what_runs_is_stopped(client: Old, nightly: Job, status: str) -> None:
    stand(nightly, status)
    error = f"Cannot stop a task with status: '{status}'"
    assert act(client, nightly, "stop") == refused("Task is not in a running state", error, status)


def test_a_suspended_task_is_not_running(client: Old, nightly: Job) -> None:
    rows.run(nightly, State.RUNNING, suspended_at=clock.now())
    assert act(client, nightly, "stop")[1]["current_status"] == "paused"


def test_a_worker_that_does_not_answer_is_no_success(
    client: Old, nightly: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "STOP_SECONDS", 0)
    stand(nightly, "running")
    answer = client.send("POST", f"/api/tasks/{nightly.pk}/stop")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["success"] is False


def test_what_ended_by_itself_meanwhile_was_not_stopped(
    client: Old, nightly: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    until_ended = launch.until_ended

    def ended(run: Execution, seconds: float) -> Wait:
        rows.end(run, State.SUCCESS)
        return until_ended(run, seconds)

    monkeypatch.setattr(launch, "until_ended", ended)
    stand(nightly, "running")
    status, body = act(client, nightly, "stop")
    assert (status, body["current_status"]) == (400, "completed")


# Trigger ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["scheduled", "completed", "failed", "stopped"])
def test_a_task_is_run_now_and_its_schedule_does_not_shift(client: Old, nightly: Job, status: str) -> None:
    stand(nightly, status)
    before = Job.objects.get().next_run_at
    assert act(client, nightly, "trigger") == changed(
        nightly, "Task triggered successfully", "scheduled", status
    )
    assert Execution.objects.filter(state=State.QUEUED, trigger="manual").count() == 1
    assert Job.objects.get().next_run_at == before


def test_a_paused_task_becomes_active_again_when_it_is_triggered(client: Old, nightly: Job) -> None:
    act(client, nightly, "pause")
    assert act(client, nightly, "trigger")[1]["task"]["previous_status"] == "paused"
    assert Job.objects.get().timing.enabled
    assert Execution.objects.filter(state=State.QUEUED).count() == 1


def test_a_suspended_run_goes_on_when_its_task_is_triggered(client: Old, nightly: Job) -> None:
    rows.run(nightly, State.RUNNING, suspended_at=clock.now())
    answer = act(client, nightly, "trigger")
    assert answer == changed(nightly, "Task triggered successfully", "running", "paused")
    assert Execution.objects.get().suspended_at is None


def test_a_running_task_is_not_triggered(client: Old, nightly: Job) -> None:
    stand(nightly, "running")
    error = "Cannot trigger a task with status: 'running'"
    assert act(client, nightly, "trigger") == refused("Task cannot be triggered", error, "running")


def test_a_delayed_task_that_is_triggered_runs_once(client: Old, coder: User) -> None:
    later = Timing("once", at=clock.now() + dt.timedelta(hours=1))
    job = rows.task(coder, rows.environment(coder), later)
    assert act(client, job, "trigger")[0] == 200
    assert act(client, job, "trigger")[0] == 200  # it is about to run
    assert (Job.objects.get().next_run_at, Execution.objects.count()) == (None, 1)


# Pause and resume ------------------------------------------------------------------------------------------------------


def test_a_running_task_is_suspended_and_goes_on(client: Old, nightly: Job) -> None:
    stand(nightly, "running")
    assert act(client, nightly, "pause") == changed(nightly, "Task paused successfully", "paused", "running")
    assert Execution.objects.get().suspended_at is not None
    answer = act(client, nightly, "resume")
    assert answer == changed(nightly, "Task resumed successfully", "running", "paused")
    assert Execution.objects.get().suspended_at is None


@pytest.mark.parametrize("status", ["scheduled", "completed", "failed", "stopped"])
def test_a_schedule_is_paused_and_resumed(client: Old, nightly: Job, status: str) -> None:
    stand(nightly, status)
    assert act(client, nightly, "pause") == changed(nightly, "Task paused successfully", "paused", status)
    assert client.get("/api/tasks")[0]["next_run_time_formatted"] is None
    answer = act(client, nightly, "resume")
    assert answer == changed(nightly, "Task resumed successfully", "scheduled", "paused")
    assert client.get("/api/tasks")[0]["next_run_time_formatted"] is not None


def test_what_is_over_cannot_be_paused(client: Old, coder: User) -> None:
    job = rows.task(coder, rows.environment(coder), NEVER)
    rows.run(job, State.SUCCESS)
    error = "Cannot pause a task with status: 'completed'"
    assert act(client, job, "pause") == refused("Task cannot be paused", error, "completed")


def test_what_is_paused_is_not_paused_again(client: Old, nightly: Job) -> None:
    act(client, nightly, "pause")
    error = "Cannot pause a task with status: 'paused'"
    assert act(client, nightly, "pause") == refused("Task cannot be paused", error, "paused")


@pytest.mark.parametrize("status", ["scheduled", "completed", "failed", "stopped", "running"])
def test_only_what_is_paused_is_resumed(client: Old, nightly: Job, status: str) -> None:
    stand(nightly, status)
    error = f"Cannot resume a task with status: '{status}'"
    assert act(client, nightly, "resume") == refused("Task is not paused", error, status)


def test_what_was_left_of_a_delay_begins_anew_when_it_ran_out_meanwhile(client: Old, coder: User) -> None:
    now = clock.now()
    job = rows.task(coder, rows.environment(coder), Timing("once", at=now + dt.timedelta(hours=1)))
    act(client, job, "pause")
    job = Job.objects.get()
    ClockedSchedule.objects.update(clocked_time=now - dt.timedelta(minutes=10))
    Pause.objects.update(since=now - dt.timedelta(minutes=40))
    assert act(client, job, "resume")[1]["task"]["status"] == "scheduled"
    upcoming = Job.objects.get().next_run_at
    assert upcoming is not None
    assert dt.timedelta(minutes=29) < upcoming - now <= dt.timedelta(minutes=31)


# Update ----------------------------------------------------------------------------------------------------------------


def update(client: Old, job: Job, **body: Any) -> tuple[int, Any]:
    return client.ask("PUT", f"/api/tasks/{job.pk}", body)


def test_what_is_omitted_stays(client: Old, nightly: Job, coder: User) -> None:
    before = client.get(f"/api/tasks/{nightly.pk}")["task"]
    status, body = update(client, nightly, task_name="renamed", script=None)
    task = body["task"]
    assert (status, body["message"], task["task_name"]) == (200, "Task updated successfully", "renamed")
    same = ("script_path", "conda_env", "cron_expression", "next_run_time", "created_at")
    assert {key: task[key] for key in same} == {key: before[key] for key in same}
    assert task["updated_at"]


def test_all_fields_can_be_changed(client: Old, nightly: Job, coder: User) -> None:
    rows.environment(coder, "other")
    status, body = update(
        client, nightly, task_name="new", script="print(2)", conda_env="other", cron_expression="5 4 * * *"
    )
    task = body["task"]
    assert (status, task["task_name"], task["script_path"]) == (200, "new", "print(2)")
    assert (task["conda_env"], task["cron_expression"]) == ("other", "5 4 * * *")
    assert task["next_run_time"].endswith(" 04:05:00")


def test_a_cron_schedule_and_a_delay_replace_each_other(client: Old, nightly: Job) -> None:
    stand(nightly, "completed")
    task = update(client, nightly, delay_seconds=3600)[1]["task"]
    assert (task["status"], task["cron_expression"]) == ("scheduled", None)
    assert Job.objects.get().timing.kind == "once"
    task = update(client, nightly, cron_expression="0 5 * * *")[1]["task"]
    assert (task["status"], task["cron_expression"]) == ("scheduled", "0 5 * * *")
    assert task["next_run_time"].endswith(" 05:00:00")


def test_no_delay_runs_it_now(client: Old, nightly: Job) -> None:
    task = update(client, nightly, delay_seconds=0)[1]["task"]
    assert (task["status"], task["cron_expression"], task["next_run_time"]) == ("scheduled", None, None)
    assert Execution.objects.filter(state=State.QUEUED).count() == 1


def test_a_paused_task_with_a_new_schedule_is_active(client: Old, nightly: Job) -> None:
    act(client, nightly, "pause")
    assert update(client, nightly, task_name="still paused")[1]["task"]["status"] == "paused"
    assert update(client, nightly, cron_expression="0 6 * * *")[1]["task"]["status"] == "scheduled"
    assert not Pause.objects.filter(ended_at=None).exists()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"cron_expression": "* * * * *", "delay_seconds": 5},
            ("Invalid update parameters", "Cannot specify both cron_expression and delay_seconds"),
        ),
        ({"cron_expression": "x"}, ("Invalid update parameters", "Invalid cron expression: ")),
        ({"delay_seconds": "x"}, ("Invalid update parameters", "Invalid delay seconds value")),
        ({"delay_seconds": -1}, ("Invalid update parameters", "Delay seconds must be non-negative")),
        ({"task_name": "taken"}, ("Task with this name already exists", "Task with name 'taken' already")),
        ({"conda_env": "nowhere"}, ("Environment not found", "Environment 'nowhere' not found")),
        ({"conda_env": "../x"}, ("Invalid environment name", "")),
        ({"script": " "}, ("Script is required", "")),
        ({"task_name": 5}, ("Task name must be a text", "")),
        ({"requirements": 5}, ("Requirements must be a text", "")),
    ],
)
def test_a_change_with_a_fault_changes_nothing(
    client: Old, nightly: Job, coder: User, body: dict[str, Any], told: tuple[str, str]
) -> None:
    rows.task(coder, nightly.environment, name="taken")  # type: ignore[arg-type]
    before = client.get(f"/api/tasks/{nightly.pk}")
    status, answer = update(client, nightly, **body)
    assert (status, answer["message"]) == (400, told[0])
    assert answer["error"].startswith(told[1])
    assert client.get(f"/api/tasks/{nightly.pk}") == before


def test_a_running_task_is_neither_changed_nor_deleted(client: Old, nightly: Job) -> None:
    stand(nightly, "running")
    error = "Cannot update a task that is currently running"
    assert update(client, nightly, task_name="x") == refused("Task cannot be updated", error, "running")
    error = "Cannot delete a task that is currently running"
    answer = client.ask("DELETE", f"/api/tasks/{nightly.pk}")
    assert answer == refused("Task cannot be deleted", error, "running")


# Delete ----------------------------------------------------------------------------------------------------------------


def test_a_deleted_task_frees_its_name_and_is_gone_with_its_runs(client: Old, nightly: Job) -> None:
    rows.run(nightly, State.SUCCESS)
    key = nightly.pk
    answer = client.ask("DELETE", f"/api/tasks/{key}")
    assert answer == (200, {"success": True, "message": "Task deleted successfully", "task_id": key})
    assert client.get("/api/tasks") == []
    assert client.get("/api/tasks/history")["data"] == []
    assert client.ask("DELETE", f"/api/tasks/{key}")[0] == 404
    assert client.ask("POST", "/api/tasks", rows.LATER)[0] == 201


# Who may ---------------------------------------------------------------------------------------------------------------


def test_the_creator_and_administrators_change_others_do_not(
    old: Speak, coder: User, cody: User, ada: User, uma: User, nightly: Job
) -> None:
    path = f"/api/tasks/{nightly.pk}"
    verbs = {"stop": "stop", "trigger": "trigger", "pause": "pause", "resume": "resume"}
    other = old(cody)
    for action, word in verbs.items():
        status, body = other.ask("POST", f"{path}/{action}")
        assert (status, body["message"]) == (403, "Unauthorized - Insufficient privileges")
        assert body["error"] == f"You do not have permission to {word} this task"
    assert other.ask("DELETE", path)[1]["error"] == "You do not have permission to delete this task"
    assert other.ask("PUT", path, b"no json")[1]["error"] == "You do not have permission to modify this task"
    assert old(ada).ask("POST", f"{path}/pause")[0] == 200
    assert old(coder).ask("POST", f"{path}/resume")[0] == 200


def test_nobody_is_told_anything_without_a_session(old: Speak, nightly: Job) -> None:
    stranger, path = old(), f"/api/tasks/{nightly.pk}"
    calls = [
        ("GET", "/api/tasks"), ("POST", "/api/tasks"), ("GET", "/api/tasks/stats"), ("GET", "/api/tasks/history"),
        ("GET", path), ("PUT", path), ("DELETE", path), ("GET", "/api/tasks/999"), ("GET", "/api/tasks/x/y/z"),
        *(("POST", f"{path}/{action}") for action in ACTIONS), ("POST", "/api/tasks/999/stop"),
        ("GET", "/api/conda/environments"), ("GET", "/api/conda/stats"), ("POST", "/api/conda/environment"),
        ("GET", "/api/conda/environment/data"), ("PUT", "/api/conda/environment/data"),
        ("DELETE", "/api/conda/environment/data"), ("POST", "/api/conda/environment/data/packages"),
        ("DELETE", "/api/conda/environment/data/packages"), ("GET", "/api/conda/nothing"),
    ]  # fmt: skip
    for method, url in calls:
        assert stranger.ask(method, url) == (401, LOCKED), url
        body = b"no json" if method in ("POST", "PUT") else None
        assert stranger.ask(method, url, body) == (401, LOCKED), url


def test_404_comes_before_400(client: Old) -> None:
    for method, path in (("PUT", "/api/tasks/999"), ("PUT", "/api/conda/environment/none")):
        assert client.ask(method, path, b"no json")[0] == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_of_another_origin_is_refused(client: Old, nightly: Job, action: str) -> None:
    path = f"/api/tasks/{nightly.pk}/{action}"
    for headers in ({"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_SEC_FETCH_SITE": "cross-site"}):
        assert client.ask("POST", path, **headers)[0] == 403
    form = "application/x-www-form-urlencoded"
    assert client.ask("POST", path, b"a=b", kind=form)[0] == 400
    assert not Execution.objects.exists()


def test_a_trailing_slash_makes_no_difference(client: Old, nightly: Job) -> None:
    assert client.get("/api/tasks/") == client.get("/api/tasks")
    assert client.get(f"/api/tasks/{nightly.pk}/") == client.get(f"/api/tasks/{nightly.pk}")
    assert act(client, nightly, "pause/")[0] == 200
    assert client.ask("GET", "/api/conda/stats/")[0] == 200


def test_other_addresses_are_not_found_and_the_native_ones_are_not_taken(client: Old, nightly: Job) -> None:
    assert client.ask("GET", "/api/tasks/1/nothing") == (404, {"success": False, "message": "Not Found"})
    assert client.ask("GET", "/api/conda") == (404, {"success": False, "message": "Not Found"})
    answer = client.send("PATCH", f"/api/tasks/{nightly.pk}", {})
    assert (answer.status_code, answer["Allow"]) == (405, "GET, PUT, DELETE")
    for native in ("/api/jobs", "/api/executions", "/api/tasksx", "/api/v2/tasks"):
        assert "success" not in client.ask("GET", native)[1], native
