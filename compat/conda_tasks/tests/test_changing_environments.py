"""Environments are made, changed and deleted, and tasks get theirs, by workers that carry it out (wire facts, 3).

The backend is the stand-in of environments/tests, which knows packages that fail.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from audit.models import Entry
from compat.conda_tasks import operations
from compat.conda_tasks.tests import rows
from compat.conda_tasks.tests.conftest import Old, Speak
from environments import verbs
from environments.models import Environment, Operation
from environments.operations.worker import OperationWorker
from environments.tests.conftest import _stand_in, operator
from executions.models import State
from jobs.models import Job
from scheduler_site.lib.deferred import Wait

__all__ = ["_stand_in", "operator"]

pytestmark = pytest.mark.django_db(transaction=True)
GONE = (404, {"success": False, "message": "Environment not found"})
DATA = "/api/conda/environment/data"
BODY = {"script": "print(1)", "conda_env": "data", "task_name": "hello"}


@pytest.fixture(autouse=True)
def worker(operator: OperationWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system worker that looks as soon as somebody waits."""
    until_ended = verbs.until_ended

    def looked(operation: Operation, seconds: float) -> Wait:
        operator.look()
        return until_ended(operation, min(seconds, 30))

    monkeypatch.setattr(verbs, "until_ended", looked)


@pytest.fixture
def client(old: Speak, coder: User) -> Old:
    return old(coder)


def make(client: Old, name: str = "data") -> tuple[int, Any]:
    return client.ask("POST", "/api/conda/environment", {"name": name})


def names(client: Old) -> list[str]:
    return [one["name"] for one in client.get("/api/conda/environments")]


def packages(client: Old, name: str = "data") -> list[str]:
    return [one["name"] for one in client.get(f"/api/conda/environment/{name}")["packages"]]


# Environments ----------------------------------------------------------------------------------------------------------


def test_an_environment_is_there_when_the_answer_comes(client: Old) -> None:
    status, body = make(client)
    assert (status, body["success"], body["message"]) == (201, True, "Environment created successfully")
    assert body["environment"]["name"] == "data"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", body["environment"]["created_at"])
    assert Path(Environment.objects.get().home).is_dir()
    assert names(client) == ["data"]
    assert Entry.objects.filter(event="added", surface="conda", object_name="data").count() == 1


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": ""}, {"name": 5}, {"name": ["data"]}])
def test_a_name_is_required(client: Old, body: dict[str, Any]) -> None:
    status, told = client.ask("POST", "/api/conda/environment", body)
    assert (status, told["message"]) == (400, "Environment name is required")


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a b", "..", ".x", "-x", "x" * 65, "ä", "a\\b", "a\nb", "x;y"]
)
def test_a_name_that_is_not_allowed_makes_nothing(client: Old, name: str, tmp_path: Path) -> None:
    before = set(tmp_path.parent.rglob("*"))
    assert make(client, name)[0] == 400
    assert not Environment.objects.exists()
    assert {path for path in set(tmp_path.parent.rglob("*")) - before if path.name != "__pycache__"} == set()


def test_a_name_is_taken_once(client: Old, old: Speak, cody: User) -> None:
    make(client)
    assert make(old(cody)) == (
        400,
        {
            "success": False,
            "message": "Environment with this name already exists",
            "error": "Environment 'data' already exists",
        },
    )


def test_making_one_takes_over_a_name_that_only_tasks_know(client: Old) -> None:
    client.ask("POST", "/api/tasks", BODY | {"delay_seconds": 3600})
    assert make(client)[0] == 201
    assert client.get("/api/conda/stats")["active_environments"] == 1


def test_another_name_takes_the_tasks_along(client: Old) -> None:
    make(client)
    client.ask("POST", "/api/tasks", BODY | {"delay_seconds": 3600})
    assert client.ask("PUT", DATA, {"new_name": "other"}) == (
        200,
        {
            "success": True,
            "message": "Environment renamed successfully",
            "old_name": "data",
            "new_name": "other",
            "updated_tasks_count": 1,
        },
    )
    assert client.get("/api/tasks")[0]["conda_env"] == "other"
    assert client.ask("GET", DATA) == GONE


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, ("New name is required", "New name is required")),
        ({"new_name": ""}, ("New name is required", "New name is required")),
        ({"new_name": 5}, ("New name is required", "New name is required")),
        (
            {"new_name": "other"},
            ("Environment with this name already exists", "Cannot rename environment to an existing name"),
        ),
        ({"new_name": "../x"}, ("Invalid environment name", None)),
    ],
)
def test_a_name_that_cannot_be_given(client: Old, body: dict[str, Any], told: tuple[str, str | None]) -> None:
    make(client)
    make(client, "other")
    status, answer = client.ask("PUT", DATA, body)
    assert (status, answer["message"]) == (400, told[0])
    assert told[1] in (None, answer["error"])
    assert names(client) == ["data", "other"]


def test_an_environment_is_deleted_when_no_task_names_it(client: Old) -> None:
    make(client)
    client.ask("POST", "/api/tasks", BODY | {"delay_seconds": 3600})
    assert client.ask("DELETE", DATA) == (
        400,
        {
            "success": False,
            "message": "Cannot delete environment that is referenced by tasks",
            "error": "Environment is in use by tasks",
            "referencing_tasks": ["print(1)"],
        },
    )
    client.ask("DELETE", f"/api/tasks/{Job.objects.get().pk}")
    answer = client.send("DELETE", DATA)
    assert (answer.status_code, answer.content) == (204, b"")
    assert names(client) == []
    assert client.ask("DELETE", DATA) == GONE


# Packages --------------------------------------------------------------------------------------------------------------


def test_packages_are_installed_and_removed(client: Old) -> None:
    make(client)
    wanted = ["six", "tomli"]
    assert client.ask("POST", f"{DATA}/packages", {"packages": wanted}) == (
        200,
        {
            "success": True,
            "message": "Packages installed successfully",
            "environment": "data",
            "installed_packages": wanted,
        },
    )
    assert packages(client) == wanted
    assert client.ask("DELETE", f"{DATA}/packages", {"packages": ["six"]}) == (
        200,
        {
            "success": True,
            "message": "Packages removed successfully",
            "environment": "data",
            "removed_packages": ["six"],
        },
    )
    assert packages(client) == ["tomli"]


@pytest.mark.parametrize(
    "body",
    [{}, {"packages": None}, {"packages": []}, {"packages": "six"}, {"packages": [5]}, {"packages": [""]}],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_packages_are_a_list_of_texts(client: Old, method: str, body: dict[str, Any]) -> None:
    make(client)
    answer = client.ask(method, f"{DATA}/packages", body)
    assert answer == (400, {"success": False, "message": "No packages specified"})


@pytest.mark.parametrize(
    "spec", ["--index-url=x", "-r x", "./x", "/etc/passwd", "https://x/y.whl", "a @ https://x"]
)
def test_options_paths_and_addresses_are_no_packages(client: Old, spec: str) -> None:
    make(client)
    status, body = client.ask("POST", f"{DATA}/packages", {"packages": [spec]})
    assert (status, body["message"]) == (400, "Failed to install packages")
    assert body["failed_packages"] == [spec]
    assert len(body["error_details"]) == 1
    assert packages(client) == []


def test_a_package_that_there_is_not_is_named(client: Old) -> None:
    make(client)
    status, body = client.ask("POST", f"{DATA}/packages", {"packages": ["six", "missing"]})
    assert (status, body) == (
        400,
        {
            "success": False,
            "message": "Failed to install packages",
            "failed_packages": ["missing"],
            "error_details": ["There is no package named missing."],
            "error": body["error"],
        },
    )
    assert "missing" in body["error"]
    assert client.ask("POST", f"{DATA}/packages", {"packages": ["six"]})[0] == 200


def test_where_a_task_runs_nothing_is_changed(client: Old) -> None:
    make(client)
    client.ask("POST", "/api/tasks", BODY | {"delay_seconds": 3600})
    rows.run(Job.objects.get(), State.RUNNING)
    for method, word in (("POST", "modify packages in"), ("DELETE", "remove packages from")):
        assert client.ask(method, f"{DATA}/packages", {"packages": ["six"]}) == (
            400,
            {
                "success": False,
                "message": f"Cannot {word} environment that is referenced by running tasks",
                "error": "Environment is in use by tasks",
                "referencing_tasks": ["print(1)"],
            },
        )
    status, body = client.ask("PUT", DATA, {"new_name": "other"})
    assert (status, body["referencing_tasks"]) == (400, ["print(1)"])


def test_a_change_that_is_under_way_keeps_others_out(client: Old, coder: User) -> None:
    make(client)
    Operation.objects.update(busy=Environment.objects.get().pk)
    for call in (
        ("POST", f"{DATA}/packages", {"packages": ["six"]}),
        ("DELETE", DATA, None),
    ):
        status, body = client.ask(*call)
        assert (status, "Another operation" in body["error"]) == (400, True)


def test_too_many_at_once_are_told_to_come_again(client: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    make(client)
    monkeypatch.setattr(operations._places, "acquire", lambda blocking: False)
    answer = client.send("POST", f"{DATA}/packages", {"packages": ["six"]})
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json()["success"] is False


def test_what_takes_too_long_is_cancelled(
    client: Old, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    make(client)
    monkeypatch.setattr(operations, "UNTIL_TAKEN", 1 - settings.ENVIRONMENT_OPERATION_SECONDS)
    status, body = client.ask("POST", f"{DATA}/packages", {"packages": ["slow"]})
    assert (status, body["failed_packages"]) == (400, ["slow"])
    assert Operation.objects.order_by("-id")[0].state == "cancelled"


# Who may ---------------------------------------------------------------------------------------------------------------


def test_the_creator_and_administrators_change_others_do_not(
    client: Old, old: Speak, cody: User, ada: User, uma: User
) -> None:
    make(client)
    calls = {
        ("PUT", DATA): "modify this environment",
        ("DELETE", DATA): "delete this environment",
        ("POST", f"{DATA}/packages"): "modify packages in this environment",
        ("DELETE", f"{DATA}/packages"): "remove packages from this environment",
    }
    for (method, path), what in calls.items():
        assert old(cody).ask(method, path, b"no json") == (
            403,
            {
                "success": False,
                "message": "Unauthorized - Insufficient privileges",
                "error": f"You do not have permission to {what}",
            },
        )
    assert old(ada).ask("POST", f"{DATA}/packages", {"packages": ["six"]})[0] == 200
    assert old(ada).ask("PUT", DATA, {"new_name": "other"})[0] == 200


def test_who_may_not_run_code_makes_no_environment(old: Speak, vic: User) -> None:
    status, body = make(old(vic))
    assert (status, body["error"]) == (403, "You do not have permission to create environments")


@pytest.mark.parametrize("name", ["none", "base", "..", "%2e%2e", "a%2fb", "%00", "x" * 500])
def test_what_is_no_environment_is_404(client: Old, name: str) -> None:
    for method, end, body in (
        ("GET", "", None), ("PUT", "", {"new_name": "x"}), ("DELETE", "", None),
        ("POST", "/packages", {"packages": ["six"]}), ("DELETE", "/packages", {"packages": ["six"]}),
    ):  # fmt: skip
        status, told = client.ask(method, f"/api/conda/environment/{name}{end}", body)
        assert (status, told["success"]) == (404, False)


# Requirements of tasks -------------------------------------------------------------------------------------------------


def test_requirements_are_installed_into_an_environment_that_is_used_again(client: Old) -> None:
    make(client)
    text = "# what it needs\nsix\n\ntomli # and this\n"
    more = {"requirements": text, "reuse_env": True, "delay_seconds": 3600}
    status, body = client.ask("POST", "/api/tasks", BODY | more)
    assert (status, body["environment_message"]) == (
        201,
        "Requirements installed in existing environment 'data'",
    )
    assert (body["task"]["conda_env"], body["task"]["requirements"]) == ("data", text)
    assert packages(client) == ["six", "tomli"]


def test_requirements_make_a_new_environment_of_a_free_name(client: Old) -> None:
    make(client)
    made = []
    for name in ("one", "two"):
        more = {"task_name": name, "requirements": "six", "delay_seconds": 3600}
        status, body = client.ask("POST", "/api/tasks", BODY | more)
        assert status == 201
        made.append((body["task"]["conda_env"], body["environment_message"]))
    assert made == [
        ("data_1", "New environment 'data_1' created with requirements"),
        ("data_2", "New environment 'data_2' created with requirements"),
    ]
    assert packages(client, "data_2") == ["six"]
    assert names(client) == ["data", "data_1", "data_2"]


def test_a_new_environment_that_fails_is_removed_and_no_task_is_made(client: Old, tmp_path: Path) -> None:
    status, body = client.ask("POST", "/api/tasks", BODY | {"requirements": "six\nmissing"})
    assert (status, body["message"]) == (400, "Failed to install requirements in new environment")
    assert (body["failed_packages"], body["error_details"]) == (
        ["missing"],
        ["There is no package named missing."],
    )
    assert "missing" in body["error"]
    assert "environment_state" not in body
    assert (names(client), Job.objects.count()) == ([], 0)
    assert list((tmp_path / "environments").glob("*/prefix")) == []
    assert make(client)[0] == 201


def test_an_installation_that_fails_makes_no_task(client: Old) -> None:
    make(client)
    more = {"requirements": "missing", "reuse_env": True}
    status, body = client.ask("POST", "/api/tasks", BODY | more)
    assert (status, body["message"]) == (400, "Failed to install requirements in existing environment")
    assert body["environment_state"] == (
        "Environment may be in an inconsistent state, consider restoring from backup"
    )
    assert (body["failed_packages"], Job.objects.count()) == (["missing"], 0)


@pytest.mark.parametrize("reuse", [True, False])
@pytest.mark.parametrize("text", ["-r x.txt", "https://x/y", "a b c"])
def test_what_is_no_requirement_is_refused(client: Old, reuse: bool, text: str) -> None:
    make(client)
    status, body = client.ask("POST", "/api/tasks", BODY | {"requirements": text, "reuse_env": reuse})
    where = "existing" if reuse else "new"
    assert (status, body["message"]) == (400, f"Failed to install requirements in {where} environment")
    assert (body["failed_packages"], names(client), Job.objects.count()) == ([text], ["data"], 0)


def test_an_environment_in_use_is_not_installed_into(client: Old) -> None:
    make(client)
    client.ask("POST", "/api/tasks", BODY | {"delay_seconds": 3600})
    rows.run(Job.objects.get(), State.RUNNING)
    more = {"task_name": "other", "requirements": "six", "reuse_env": True}
    status, body = client.ask("POST", "/api/tasks", BODY | more)
    assert (status, body["message"]) == (400, "Failed to install requirements in existing environment")
    assert body["referencing_tasks"] == ["print(1)"]


def test_another_s_environment_is_not_installed_into(client: Old, old: Speak, cody: User) -> None:
    make(client)
    more = {"requirements": "six", "reuse_env": True}
    status, body = old(cody).ask("POST", "/api/tasks", BODY | more)
    assert (status, body["error"]) == (
        403,
        "You do not have permission to modify packages in this environment",
    )
    assert old(cody).ask("POST", "/api/tasks", BODY | {"reuse_env": True})[0] == 201


def test_lines_that_are_comments_ask_for_nothing(client: Old) -> None:
    status, body = client.ask("POST", "/api/tasks", BODY | {"requirements": "# nothing\n\n"})
    assert (status, body["task"]["requirements"], names(client)) == (201, None, [])


def test_other_requirements_of_a_task_are_installed(client: Old) -> None:
    make(client)
    client.ask("POST", "/api/tasks", BODY | {"delay_seconds": 3600})
    path = f"/api/tasks/{Job.objects.get().pk}"
    status, body = client.ask("PUT", path, {"requirements": "six"})
    assert (status, body["task"]["requirements"]) == (200, "six")
    assert packages(client) == ["six"]
    assert client.ask("PUT", path, {"requirements": ""})[1]["task"]["requirements"] is None
    assert client.ask("PUT", path, {"requirements": "missing"})[0] == 400
