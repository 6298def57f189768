"""Moving in from a Conda Task Manager: first a report, then all or nothing, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from audit.models import Entry
from compat.conda_tasks.tests import rows
from compat.importers import conda_tasks_client
from compat.tests.old_manager import ACCOUNT, Manager, run, serving
from conftest import PASSWORD
from environments import available_backends
from environments.backends.base import Found
from environments.models import Environment, Operation
from environments.operations import publish
from executions.models import Execution, LogChunk
from jobs.models import Job

pytestmark = pytest.mark.django_db
CRON = {"cron_expression": "0 3 * * MON-FRI", "status": "scheduled", "next_run_time": "2026-05-03 03:00:00"}


@pytest.fixture(autouse=True)
def _quiet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SCHEDULER_TIMEZONE, settings.ENVIRONMENT_BACKEND = "Asia/Taipei", "pypi"
    monkeypatch.setattr(publish, "announce", lambda: None)
    monkeypatch.setenv("CONDA_TASKS_PASSWORD", ACCOUNT["password"])


@pytest.fixture
def old() -> Iterator[Manager]:
    with serving(Manager()) as manager:
        yield manager


def moved(old: Manager, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command says."""
    call_command("import_conda_tasks", "--url", old.url, "--username", ACCOUNT["username"], *options)
    return capsys.readouterr().out


def told(old: Manager, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command says before it gives up."""
    with pytest.raises(CommandError) as refusal:
        moved(old, capsys, *options)
    return f"{capsys.readouterr().out}\n{refusal.value}"


def test_without_apply_nothing_is_written(old: Manager, capsys: pytest.CaptureFixture[str]) -> None:
    old.environment("data", "six==1.17.0", "pip==25.0")
    old.task(1, run(1), **CRON)
    said = moved(old, capsys)
    assert "environment data: new" in said
    assert "Python 3.9, pypi packages: 1" in said
    assert "Python 3.9, conda packages: 1" in moved(old, capsys, "--backend", "conda")
    assert "task task 1 (1): new" in said
    assert "next times (Asia/Taipei): " in said
    assert "runs (1): new" in said
    assert "Nothing was written" in said
    assert (Job.objects.count(), Environment.objects.count(), Execution.objects.count()) == (0, 0, 0)
    assert all(call.startswith("GET ") for call in old.asked if call not in ("POST /login", "POST /logout"))
    assert old.asked[-1] == "POST /logout"


def test_environments_tasks_and_runs_come_along(
    old: Manager, capsys: pytest.CaptureFixture[str], uma: User
) -> None:
    old.environment("data", "six==1.17.0", "python==3.9.7", "tomli==2.0.1")
    old.task(7, run(1, "failed", exit_code=3), run(2), requirements="six>=1", **CRON)
    moved(old, capsys, "--apply", "--owner", "uma")
    operation = Operation.objects.get()
    assert (operation.kind, operation.packages) == ("create", ["six==1.17.0", "tomli==2.0.1"])
    environment = Environment.objects.get()
    assert (environment.name, environment.python_version, environment.created_by) == ("data", "3.9", uma)
    job = Job.objects.get()
    assert (job.name, job.owner, job.kind, job.environment) == ("task 7", uma, "script", environment)
    assert job.options == {"script": "print('old')", "requirements": "six>=1"}
    assert (job.timing.kind, job.timing.expression, job.timing.timezone) == (
        "cron",
        "0 3 * * mon-fri",
        "Asia/Taipei",
    )
    assert job.next_run_at is not None
    assert job.next_run_at > timezone.now()
    first, last = Execution.objects.order_by("due_at")
    assert (first.state, first.exit_code, first.job) == ("failed", 3, job)
    assert (last.state, last.duration, last.peak_memory) == ("success", 45.2, int(128.5 * 1024 * 1024))
    assert str(last.uid) == "00000000-0000-4000-8000-000000000002"
    assert last.started_at is not None
    assert last.started_at.hour == 22  # of the day before: there it was 6 o'clock
    assert [chunk.text for chunk in LogChunk.objects.all()] == ["run 2\n"]
    assert Entry.objects.filter(event="added", object_type="job", actor=uma).count() == 1


def test_a_second_import_changes_nothing(old: Manager, capsys: pytest.CaptureFixture[str]) -> None:
    old.environment("data", "six==1.17.0")
    old.task(1, run(1), **CRON)
    moved(old, capsys, "--apply")
    Job.objects.update(name="renamed here")
    before = [list(model.objects.values()) for model in (Job, Environment, Execution, LogChunk, Operation)]
    said = moved(old, capsys, "--apply")
    assert "0 new, 3 here already, 0 with errors" in said
    assert [
        list(model.objects.values()) for model in (Job, Environment, Execution, LogChunk, Operation)
    ] == before


def test_what_is_new_since_is_added(old: Manager, capsys: pytest.CaptureFixture[str]) -> None:
    old.task(1, run(1), run(2, "running", end_time=None))
    moved(old, capsys, "--apply")
    assert Execution.objects.count() == 1  # the other one has not ended
    old.tasks[1]["runs"][1] = run(2)
    old.task(2)
    said = moved(old, capsys, "--apply")
    assert "task task 1 (1): is here already" in said
    assert (Job.objects.count(), Execution.objects.count()) == (2, 2)


def test_schedules_of_every_kind(old: Manager, capsys: pytest.CaptureFixture[str]) -> None:
    old.task(1, **CRON | {"status": "paused"})
    old.task(2, status="scheduled", next_run_time="2999-01-01 00:00:00")
    old.task(3, status="scheduled", next_run_time="2020-01-01 00:00:00")
    old.task(4, status="completed")
    old.task(5, **CRON | {"status": "failed"})
    said = moved(old, capsys, "--apply")
    assert "Its time has passed" in said
    kinds = {job.name: (job.timing.kind, job.timing.enabled) for job in Job.objects.all()}
    assert kinds == {
        "task 1": ("cron", False),
        "task 2": ("once", True),
        "task 3": ("none", True),
        "task 4": ("none", True),
        "task 5": ("cron", True),
    }
    due = Job.objects.get(name="task 2").next_run_at
    assert due is not None
    assert (due.year, due.hour) == (2998, 16)


def test_names_that_are_taken_get_a_number(
    old: Manager, capsys: pytest.CaptureFixture[str], ada: User
) -> None:
    rows.task(ada, rows.environment(ada, "here"), name="task 1")
    old.task(1)
    said = moved(old, capsys, "--apply")
    assert "here it will be task 1 (2)" in said
    assert set(Job.objects.values_list("name", flat=True)) == {"task 1", "task 1 (2)"}


def test_an_environment_of_this_name_is_used(
    old: Manager, capsys: pytest.CaptureFixture[str], ada: User
) -> None:
    here = rows.environment(ada, "data")
    old.environment("data", "six==1.17.0")
    old.task(1)
    assert "environment data: is here already" in moved(old, capsys, "--apply")
    assert Job.objects.get().environment == here
    assert not Operation.objects.exists()


def test_the_base_environment_stays_where_it_is(old: Manager, capsys: pytest.CaptureFixture[str]) -> None:
    old.environment("base", "conda==25.1")
    old.task(1, conda_env="base")
    said = moved(old, capsys, "--apply")
    assert "Conda's own installation is left alone" in said
    environment = Environment.objects.get()
    assert (environment.name, environment.state) == ("conda-base", "absent")


def test_environments_can_be_registered_where_they_lie(
    old: Manager, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        available_backends, "discovered", lambda: [Found("data", "/opt/conda/envs/data", "3.9.7")]
    )
    old.environment("data")
    old.environment("gone")
    said = moved(old, capsys, "--register", "/opt/conda/envs")
    assert "It is registered where it lies, /opt/conda/envs/data." in said
    assert "environment gone: ERROR" in said
    assert "/opt/conda/envs/gone is no environment of the installed Conda" in said


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"script_path": "/srv/nothing.py"}, "SCRIPT_DIRECTORIES"),
        ({"script_path": ""}, "Enter a script"),
        ({"cron_expression": "61 * * * *"}, "61"),
        ({"cron_expression": "0 0 31 2 *"}, "never fires"),
        ({"conda_env": "../etc"}, "cannot be a name"),
        ({"conda_env": None}, "empty"),
    ],
)
def test_a_task_with_a_fault_keeps_all_from_being_imported(
    old: Manager, capsys: pytest.CaptureFixture[str], change: dict[str, Any], why: str
) -> None:
    old.task(1, run(1), **change)
    old.task(2, run(2))
    said = told(old, capsys, "--apply")
    assert "task task 1 (1): ERROR" in said
    assert why in said
    assert not Job.objects.exists()
    moved(old, capsys, "--apply", "--skip-errors")
    assert [job.name for job in Job.objects.all()] == ["task 2"]
    assert Execution.objects.count() == 1


def test_a_script_that_is_named_by_its_path_keeps_it(
    old: Manager, capsys: pytest.CaptureFixture[str], tmp_path: Path, settings: Settings
) -> None:
    settings.SCRIPT_DIRECTORIES = [str(tmp_path)]
    path = tmp_path / "etl.py"
    path.write_text("print(1)")
    old.task(1, script_path=str(path))
    moved(old, capsys, "--apply")
    assert Job.objects.get().options == {"path": str(path)}


def test_requirements_that_cannot_be_kept_are_told(old: Manager, capsys: pytest.CaptureFixture[str]) -> None:
    old.task(1, requirements="-r other.txt")
    assert "Its requirements are left out" in moved(old, capsys, "--apply")
    assert "requirements" not in Job.objects.get().options


def test_a_session_that_is_over_meanwhile_is_opened_again(
    old: Manager, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 6):
        old.task(number)
    old.patience = 4
    moved(old, capsys, "--apply")
    assert (Job.objects.count(), old.asked.count("POST /login")) == (5, 2)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("redirect", "leads to another address"),
        (b"<html>", "Expecting value"),
        (b"[" * 100_000, "levels deep"),
        (b'[{"task_id": NaN}]', "NaN"),
        (b'"text"', "no list"),
        (500, "500"),
        (404, "404"),
        ("endless", "has more than"),
        ("silence", "has not answered"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_written(
    old: Manager, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, how: Any, why: str
) -> None:
    monkeypatch.setattr(conda_tasks_client, "MOST_BYTES", 1024 * 1024)
    monkeypatch.setattr(conda_tasks_client, "CALL_SECONDS", 1.5)
    old.special["/api/tasks"] = how
    said = told(old, capsys, "--apply")
    assert why in said
    assert "/api/tasks" in said
    assert not Job.objects.exists()


def test_values_of_other_types_count_as_none(old: Manager, capsys: pytest.CaptureFixture[str]) -> None:
    old.special["/api/conda/environments"] = [5, {"name": {"a": 1}}, {"name": "data", "packages": "x"}]
    old.special["/api/conda/environment/data"] = {"packages": [5, None, {"name": 7}, {"name": "six"}]}
    old.special["/api/tasks"] = [None, {"task_id": "1"}, {"task_id": True}, {"task_id": 3}]
    old.special["/api/tasks/3"] = {
        "task": {"task_name": "\x1b[31mred", "script_path": 'x\\u0000 = "1"\n', "conda_env": "data"},
        "execution_history": [
            5,
            run(1, duration="long", peak_memory=[], exit_code="0", logs=7),
            run(2, status="odd"),
            run(5) | {"status": {}},
            run(3, start_time="yesterday"),
            run(4, execution_id="7", peak_memory=1e300, exit_code=10**30),
        ],
    }
    said = moved(old, capsys, "--apply", "--skip-errors")
    assert "environment : ERROR" in said
    assert Operation.objects.get().packages == ["six"]
    assert "\x1b" not in said
    assert Job.objects.get().name == "\x1b[31mred"
    assert Execution.objects.count() == 2


def test_the_password_comes_out_of_a_file_or_is_asked_for(
    old: Manager, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CONDA_TASKS_PASSWORD")
    file = tmp_path / "password"
    file.write_text(f"{ACCOUNT['password']}\n")
    moved(old, capsys, "--password-file", str(file))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: ACCOUNT["password"])
    moved(old, capsys)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "wrong")
    assert "does not know this name" in told(old, capsys)
    assert "cannot be read" in told(old, capsys, "--password-file", str(tmp_path / "none"))


@pytest.mark.parametrize(
    "url",
    ["old.example.com", "ftp://x/", "file:///etc/passwd", "http://a:b@127.0.0.1/", "http://", "http://["],
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(CommandError, match="is no address"):
        call_command("import_conda_tasks", "--url", url, "--username", "x")


def test_nobody_answers() -> None:
    with pytest.raises(CommandError, match="/login cannot be read"):
        call_command("import_conda_tasks", "--url", "http://127.0.0.1:9", "--username", "x")


def test_unknown_owners_and_zones_are_refused(old: Manager, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no account" in told(old, capsys, "--owner", "nobody")
    assert "time zone is not known" in told(old, capsys, "--timezone", "Atlantis/City")


@pytest.mark.django_db(transaction=True)
def test_belfry_is_read_like_any_other(
    live_server: LiveServer, uma: User, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of Belfry into Belfry: what the import reads is what this dialect says."""
    monkeypatch.setenv("CONDA_TASKS_PASSWORD", PASSWORD)
    job = rows.task(uma, rows.environment(uma), options={"script": "print(1)", "requirements": "six"})
    execution = rows.run(job, "success", seconds=3.5)
    rows.write(execution, "hello\n")
    call_command("import_conda_tasks", "--url", live_server.url, "--username", "uma", "--apply")
    said = capsys.readouterr().out
    # The environment and the run are here under their own names and ids; the task is another one's.
    assert "environment data: is here already" in said
    assert "runs (1): is here already" in said
    made = Job.objects.exclude(pk=job.pk).get()
    assert (made.name, made.options, made.environment) == ("hello (2)", job.options, job.environment)
    assert made.timing.expression == job.timing.expression
