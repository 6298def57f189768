"""Leads schemathesis to where something happens, and keeps it from what it must not do: send a job into the world, wait for
minutes, or take its own accounts away.
"""

from __future__ import annotations

import os
import random
import re
from itertools import count
from typing import Any

import requests
import schemathesis

API = os.environ.get("CONTRACT_API", "")
ADMIN = os.environ.get("CONTRACT_ADMIN", "")
ACCOUNTS = set(os.environ.get("CONTRACT_ACCOUNTS", "").split(","))
# Of the reserved names that never have an address (RFC 6761); the path stays as odd as it was made.
ADDRESS = re.compile(r"(https?)://[^/?#\s]*", re.IGNORECASE)
SHORT = 0.2
REFRESH = 40
numbers = count()


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]
) -> None:
    if random.random() < 0.7:
        case.path_parameters = {**(case.path_parameters or {}), **existing(case.path_parameters or {})}
    if isinstance(case.body, dict):
        if case.operation.path in ("/jobs", "/jobs/{job_id}") and random.random() < 0.7:
            case.body = nearly_sound(case.body)
        case.body = harmless(case.body)
    if case.operation.path.startswith("/environments") and "wait" in (case.query or {}):
        case.query = {**(case.query or {}), "wait": SHORT}
    if case.operation.path.endswith("/execute"):
        case.query = {**(case.query or {}), "wait": SHORT}
        if isinstance(case.body, dict):
            case.body.pop("wait", None)


@schemathesis.hook
def filter_case(_context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    own = (case.path_parameters or {}).get("user_id") in ACCOUNTS
    return not (own and case.method in ("PUT", "DELETE"))


def nearly_sound(body: dict[str, Any]) -> dict[str, Any]:
    """A job that would be taken, with one or two of the invented values: all of them together are always refused."""
    taken = random.sample(sorted(body, key=str), k=min(len(body), random.choice((0, 1, 1, 2))))
    usual = {"name": f"job {os.getpid()} {next(numbers)}", "cron_expression": "0 2 * * *"}
    return usual | {"target_url": "https://hook.invalid/x"} | {key: body[key] for key in taken}


class Living:
    """Ids of what is there at present, looked up now and then; there is always a job and a run."""

    def __init__(self) -> None:
        self._asked = 0
        self._ids: dict[str, list[str]] = {}

    def of(self, name: str) -> list[str]:
        if self._asked % REFRESH == 0:
            self._ids = self._look()
        self._asked += 1
        return self._ids.get(name, [])

    def _look(self) -> dict[str, list[str]]:
        job = self._ask("POST", "/jobs", nearly_sound({}))["job"]["id"]
        self._ask("POST", f"/jobs/{job}/execute", {"wait": 0})
        lists = {
            "job_id": ("/jobs", "jobs"),
            "execution_id": ("/executions?limit=20", "executions"),
            "notification_id": ("/notifications", "notifications"),
            "row_id": ("/pic-teams", "pic_teams"),
            "token_id": ("/auth/tokens", "tokens"),
            "environment_id": ("/environments", "environments"),
            "incident_id": ("/incidents?show=all", "incidents"),
        }
        environment = {"name": f"environment-{os.getpid()}-{next(numbers)}", "backend": "pypi"}
        operation = self._ask("POST", "/environments", environment)["operation"]["id"]
        return {"operation_id": [operation]} | {
            name: [one["id"] for one in self._ask("GET", path)[key]][:20]
            for name, (path, key) in lists.items()
        }

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {ADMIN}"}
        return requests.request(method, API + path, json=body, headers=headers, timeout=30).json()


living = Living()


def existing(parameters: dict[str, Any]) -> dict[str, str]:
    """Ids that exist, for those parameters of a path of which there are any."""
    if not ADMIN:
        return {}
    return {name: random.choice(ids) for name in parameters if (ids := living.of(name))}


def harmless(value: Any) -> Any:
    """The same with no address in it that leads anywhere."""
    if isinstance(value, str):
        return ADDRESS.sub(r"\1://hook.invalid", value)
    if isinstance(value, list):
        return [harmless(item) for item in value]
    if isinstance(value, dict):
        return {key: harmless(item) for key, item in value.items()}
    return value
