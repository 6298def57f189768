"""For the role matrix: a task with a run, an environment, and requests that would succeed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Category, User
from compat.conda_tasks import operations
from compat.conda_tasks.base import Steps
from compat.conda_tasks.tests import rows
from environments.models import Operation
from executions.models import State

# Known by the cookie of this dialect.
PATHS = ("/api/conda", "/api/tasks", "/create_user")
ACCOUNT = {"username": "new", "password": "secret"}
TASK = {"script": "0", "conda_env": "spare"}
NAME = "/api/conda/environment/<str:name>"
BODIES: dict[str, dict[str, Any]] = {
    "POST /create_user": ACCOUNT,
    "POST /create_user/": ACCOUNT,
    "POST /api/conda/environment": {"name": "new"},
    f"PUT {NAME}": {"new_name": "new"},
    f"POST {NAME}/packages": {"packages": ["six"]},
    f"DELETE {NAME}/packages": {"packages": ["six"]},
    "POST /api/tasks": TASK,
    "POST /api/tasks/": TASK,
    "PUT /api/tasks/<str:task_id>": {"task_name": "new"},
}


def populate(owner: User, category: Category) -> dict[str, str]:
    """The ids by the part of a path that comes before them."""
    rows.environment(owner, "spare")
    task = rows.task(owner, rows.environment(owner, "used"), category=category)
    run = rows.run(task, State.SUCCESS)
    return {"environment": "spare", "tasks": str(task.pk), "executions": str(run.uid)}


def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments are changed at once."""

    def carried_out(begin: Callable[[], Operation], _by: object) -> Steps[Operation]:
        done = begin()
        done.state = Operation.State.SUCCESS
        yield from ()  # nothing is waited for
        return done

    monkeypatch.setattr(operations, "carried_out", carried_out)
