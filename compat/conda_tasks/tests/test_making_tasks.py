"""POST /api/tasks: what is made, and what is refused in which order (document, "创建任务"; wire facts, 4)."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Entry
from compat.conda_tasks import payload
from compat.conda_tasks.tests import rows
from compat.conda_tasks.tests.conftest import Speak
from compat.conda_tasks.tests.rows import BODY, CRON, LATER, SCRIPT, environment
from environments.models import Environment
from executions.models import Execution
from jobs import verbs
from jobs.models import Job

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
BOTH = (
    "Please specify either cron expression or delay seconds, not both",
    "Cannot specify both cron_expression and delay_seconds",
)
NUMBER = ("Delay seconds must be a valid number", "Invalid delay seconds value")
NAME = ("Task with this name already exists", "Task with name 'taken' already exists")
BAD_CRON = ("The provided cron expression is invalid", "Invalid cron expression: ")
NEGATIVE = ("Please provide a non-negative delay value", "Delay seconds must be non-negative")


def test_a_task_without_a_time_runs_now(old: Speak, coder: User) -> None:
    environment(coder)
    status, body = old(coder).ask("POST", "/api/tasks", BODY)
    job = Job.objects.get()
    assert (status, set(body)) == (201, {"success", "message", "task"})
    assert (body["success"], body["message"]) == (True, "Task scheduled successfully")
    task = body["task"]
    assert re.fullmatch(TIME, task.pop("created_at"))
    assert re.fullmatch(TIME, task.pop("updated_at"))
    assert task == {
        "task_id": job.pk,
        "task_name": "hello",
        "script_path": SCRIPT,
        "conda_env": "data",
        "status": "scheduled",
        "cron_expression": None,
        "next_run_time": None,
        "last_run_time": None,
        "last_run_duration": None,
        "requirements": None,
    }
    run = Execution.objects.get()
    assert (run.job, run.state, run.trigger) == (job, "queued", "manual")
    assert (job.kind, job.owner, job.options) == ("script", coder, {"script": SCRIPT})
    assert job.stop_grace < 5
    events = Entry.objects.filter(object_type="job").values_list("event", "surface", "actor_name")
    assert list(events.order_by("id")) == [("added", "conda", "uma"), ("custom_run", "conda", "uma")]


def test_a_cron_task_waits_for_its_time_in_the_zone_of_the_scheduler(old: Speak, coder: User) -> None:
    task = old(coder).ask("POST", "/api/tasks", CRON)[1]["task"]
    assert (task["status"], task["cron_expression"]) == ("scheduled", "0 3 * * *")
    assert task["next_run_time"].endswith(" 03:00:00")
    job = Job.objects.get()
    assert job.next_run_at is not None
    assert job.next_run_at.hour == 19  # in Taipei it is 3 o'clock
    assert not Execution.objects.exists()


def test_day_and_weekday_are_alternatives_and_7_is_sunday(old: Speak, coder: User) -> None:
    old(coder).ask("POST", "/api/tasks", CRON | {"cron_expression": "0 0 13 * 7"})
    job = Job.objects.get()
    schedule = job.timing.schedule()
    assert schedule is not None
    moment = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)  # a Sunday, 8 o'clock in Taipei
    days = []
    for _ in range(4):
        found = schedule.next_after(moment)
        assert found is not None
        moment = found
        days.append(moment.astimezone(dt.timezone(dt.timedelta(hours=8))).day)
    assert days == [8, 13, 15, 22]


def test_a_cron_expression_is_shown_as_it_was_written(old: Speak, coder: User) -> None:
    client = old(coder)
    client.ask("POST", "/api/tasks", CRON | {"cron_expression": "0 3 * * MON-FRI"})
    assert client.get("/api/tasks")[0]["cron_expression"] == "0 3 * * MON-FRI"


@pytest.mark.parametrize("delay", [3600, 3600.5])
def test_a_delayed_task_runs_once_later(old: Speak, coder: User, delay: float) -> None:
    task = old(coder).ask("POST", "/api/tasks", BODY | {"delay_seconds": delay})[1]["task"]
    job = Job.objects.get()
    assert job.next_run_at is not None
    ahead = (job.next_run_at - timezone.now()).total_seconds()
    assert delay - 60 < ahead <= delay
    assert (task["status"], job.timing.kind) == ("scheduled", "once")
    assert re.fullmatch(TIME, task["next_run_time"])
    assert not Execution.objects.exists()


@pytest.mark.parametrize("delay", [0, 0.5, None])
def test_no_delay_means_now(old: Speak, coder: User, delay: float | None) -> None:
    status, body = old(coder).ask(
        "POST", "/api/tasks", BODY | {"delay_seconds": delay, "cron_expression": None}
    )
    assert (status, body["task"]["next_run_time"], Execution.objects.count()) == (201, None, 1)


def test_an_unknown_environment_is_taken_as_it_is_named(old: Speak, coder: User) -> None:
    client = old(coder)
    task = client.ask("POST", "/api/tasks", BODY | {"conda_env": "nowhere"})[1]["task"]
    assert task["conda_env"] == "nowhere"
    assert Environment.objects.get().state == "absent"
    assert client.get("/api/conda/environments") == []


def test_a_script_may_be_named_by_an_allowed_path(
    old: Speak, coder: User, tmp_path: Path, settings: Settings
) -> None:
    settings.SCRIPT_DIRECTORIES = [str(tmp_path)]
    path = tmp_path / "etl.py"
    path.write_text("print(1)")
    task = old(coder).ask("POST", "/api/tasks", {"script": str(path), "conda_env": "data"})[1]["task"]
    assert (task["task_name"], task["script_path"]) == ("etl.py", str(path))
    assert Job.objects.get().options == {"path": str(path)}


def test_a_path_that_is_not_allowed_is_a_text_like_any_other(old: Speak, coder: User) -> None:
    task = old(coder).ask("POST", "/api/tasks", {"script": "/etc/x.py", "conda_env": "data"})[1]["task"]
    assert task["script_path"] == "/etc/x.py"
    assert Job.objects.get().options == {"script": "/etc/x.py"}


def test_a_text_without_a_name_gets_one_of_its_own(old: Speak, coder: User) -> None:
    client = old(coder)
    body = {"script": SCRIPT, "conda_env": "data"}
    names = {client.ask("POST", "/api/tasks", body)[1]["task"]["task_name"] for _ in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cron_expression": "x", "delay_seconds": -1, "script": None, "conda_env": None}, BOTH),
        ({"script": None, "conda_env": None}, ("Script is required",)),
        ({"script": "", "conda_env": None}, ("Script is required",)),
        ({"script": " \n"}, ("Script is required",)),
        ({"script": ["x"]}, ("Script is required",)),
        ({"script": "x" * 600_000}, ("Script cannot be used",)),
        ({"conda_env": None, "task_name": "taken"}, ("Environment name is required",)),
        ({"conda_env": ""}, ("Environment name is required",)),
        ({"conda_env": 5}, ("Environment name is required",)),
        ({"conda_env": "../x"}, ("Invalid environment name",)),
        ({"conda_env": "a b"}, ("Invalid environment name",)),
        ({"task_name": "taken", "cron_expression": "x"}, NAME),
        ({"task_name": 5}, ("Task name must be a text",)),
        ({"task_name": "x" * 201}, ("Task name has more than 200 characters",)),
        ({"cron_expression": "x"}, BAD_CRON),
        ({"cron_expression": ""}, BAD_CRON),
        ({"cron_expression": 5}, BAD_CRON),
        ({"cron_expression": "* * * *"}, BAD_CRON),
        ({"cron_expression": "* * * * * *"}, BAD_CRON),
        ({"cron_expression": "@daily"}, BAD_CRON),
        ({"cron_expression": "61 * * * *"}, BAD_CRON),
        ({"cron_expression": "0 0 31 2 *"}, BAD_CRON),
        ({"delay_seconds": "soon"}, NUMBER),
        ({"delay_seconds": "5"}, NUMBER),
        ({"delay_seconds": True}, NUMBER),
        ({"delay_seconds": [1]}, NUMBER),
        ({"delay_seconds": 1e300}, NUMBER),
        ({"delay_seconds": 10**30}, NUMBER),
        ({"delay_seconds": -1}, NEGATIVE),
        ({"reuse_env": "yes"}, ("reuse_env must be true or false",)),
        (
            {"reuse_env": True, "conda_env": "nowhere"},
            ("Cannot reuse non-existing environment", "Environment 'nowhere' not found"),
        ),
        ({"requirements": 5}, ("Requirements must be a text",)),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    old: Speak, coder: User, change: dict[str, Any], told: tuple[str, ...]
) -> None:
    environment(coder)
    client = old(coder)
    client.ask("POST", "/api/tasks", LATER | {"task_name": "taken"})
    status, body = client.ask("POST", "/api/tasks", BODY | change)
    assert (status, body["success"], body["message"]) == (400, False, told[0])
    assert body["error"].startswith(told[1:] or ("",))
    assert (Job.objects.count(), Execution.objects.count(), Environment.objects.count()) == (1, 0, 1)


def test_the_name_of_another_s_finished_task_is_taken(old: Speak, coder: User, cody: User) -> None:
    old(cody).ask("POST", "/api/tasks", BODY)
    status, body = old(coder).ask("POST", "/api/tasks", BODY)
    assert (status, body["error"]) == (400, "Task with name 'hello' already exists")


@pytest.mark.parametrize("taken", [True, False])
def test_somebody_else_may_be_faster(
    old: Speak, coder: User, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    if taken:
        rows.task(coder, environment(coder), name="hello")
    monkeypatch.setattr(payload, "task_name", lambda *_args: "hello")
    create = verbs.create

    def outrun(changes: verbs.JobChanges, **more: Any) -> Job:
        if taken:
            return create(changes, **more)
        raise IntegrityError

    monkeypatch.setattr(verbs, "create", outrun)
    status, body = old(coder).ask("POST", "/api/tasks", BODY)
    assert (status, body["message"]) == (400, NAME[0] if taken else "Environment not found")


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'"text"', b'{"script": NaN}'])
def test_what_is_no_object_is_refused(old: Speak, coder: User, body: bytes) -> None:
    status, told = old(coder).ask("POST", "/api/tasks", body, kind="application/json")
    assert (status, told["message"]) == (400, "Invalid JSON")


def test_who_may_not_run_code_makes_no_tasks(old: Speak, uma: User, vic: User) -> None:
    for user in (uma, vic):
        status, body = old(user).ask("POST", "/api/tasks", b"no json", kind="application/json")
        assert (status, body["message"]) == (403, "Unauthorized - Insufficient privileges")
        assert body["error"] == "You do not have permission to create tasks"
