"""A whole day of a client of the Conda Task Manager, call by call, against the real programs.

What was answered when this was written is kept in conda_day.json, with times, ids and measured numbers as what they are: a key
that goes or comes, another status, text or format shows there.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from environments.tests.wheels import shelf
from scheduler_site.tests import schema
from scheduler_site.tests.processes import end_all, eventually
from tests_acceptance.test_up import Belfry

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]

GOLDEN = Path(__file__).with_name("conda_day.json")
FORMS = {
    "a time": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    "a date": r"\d{4}-\d\d-\d\d",
    "an id": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "a version of Python": r"3\.\d+\.\d+",
    "a version of pip": r"pip==[\d.]+",
}
SLOW = """
import subprocess, sys, time
print("begun", flush=True)
subprocess.Popen(["sleep", "300"])
while True:
    for percent in range(100):
        sys.stdout.write(f"\\r{percent}%"); sys.stdout.flush()
        time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def belfry() -> Iterator[Belfry]:
    with tempfile.TemporaryDirectory(prefix="belfry-day-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        schema.InFile().put(directory / "belfry.sqlite3")
        extra = {"PIP_FIND_LINKS": str(shelf(directory / "shelf")), "PIP_NO_INDEX": "1"}
        belfry = Belfry(directory, ENVIRONMENT_BACKEND="pypi", ALLOW_DEFAULT_ADMIN="true", **extra)
        try:
            # The first start makes the static files; on a busy machine that takes long.
            assert eventually(belfry.answers, 400), belfry.said()
            belfry.wait_until_up()
            yield belfry
        finally:
            end_all(name)


class Day:
    """Remembers what was answered to what."""

    def __init__(self, belfry: Belfry) -> None:
        self.http = requests.Session()
        self.base = f"http://127.0.0.1:{belfry.port}"
        self.seen: dict[str, Any] = {}

    def call(self, method: str, path: str, body: Any = None, *, of: str = "", status: int = 200) -> Any:
        answer = self.http.request(method, self.base + path, json=body, timeout=120)
        assert answer.status_code == status, answer.text
        found = answer.json() if answer.content else None
        self.seen[f"{method} {path} {of}".strip()] = {"status": answer.status_code, "body": masked(found)}
        return found

    def until(self, task: int, true: Callable[[Any], object], seconds: float = 60) -> Any:
        """A task as soon as it is so."""
        found: dict[str, Any] = {}

        def asked() -> object:
            found.update(self.http.get(f"{self.base}/api/tasks/{task}", timeout=30).json())
            return true(found)

        assert eventually(asked, seconds), found
        return found

    def ends(self, task: int, status: str) -> Any:
        return self.until(task, lambda found: found["task"]["status"] == status)


def masked(value: Any) -> Any:
    if isinstance(value, dict) and value.get("name") == "pip":
        return "pip"
    if isinstance(value, dict):
        return {key: masked(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str) and value.startswith("No solution found"):
        return "what the tool says"
    if isinstance(value, str):
        return next((name for name, form in FORMS.items() if re.fullmatch(form, value)), value)
    return value


def accounts(day: Day) -> None:
    day.call("GET", "/api/tasks", of="without a session", status=401)
    day.call("POST", "/login", {"username": "admin", "password": "wrong"}, of="wrong", status=401)
    day.call("POST", "/login", {"username": "admin", "password": "admin123"}, of="admin")
    day.call("POST", "/create_user", {"username": "nora", "password": "secret"}, status=201)
    day.call("POST", "/create_user", {"username": "nora", "password": "secret"}, of="again", status=400)
    day.call("POST", "/login", {"username": "nora", "password": "secret"})
    day.call("POST", "/create_user", {"username": "olaf", "password": "secret"}, of="nora", status=403)


def environments(day: Day) -> None:
    one = "/api/conda/environment/data"
    day.call("POST", "/api/conda/environment", {"name": "data"}, status=201)
    day.call("POST", "/api/conda/environment", {"name": "data"}, of="again", status=400)
    day.call("POST", f"{one}/packages", {"packages": ["hello==1.0"]})
    day.call("POST", f"{one}/packages", {"packages": ["nothing-like-this"]}, of="unknown", status=400)
    day.call("GET", "/api/conda/environments")
    found = day.call("GET", one)
    assert {"name": "hello", "version": "1.0"} in found["packages"]


def run_now(day: Day) -> None:
    body = {"script": "import hello\nprint(hello.VERSION)", "conda_env": "data", "task_name": "now"}
    task = day.call("POST", "/api/tasks", body, of="now", status=201)["task"]["task_id"]
    day.call("POST", "/api/tasks", body, of="of a taken name", status=400)
    day.ends(task, "completed")
    found = day.call("GET", f"/api/tasks/{task}")
    run = found["latest_execution"]
    assert (run["logs"], run["exit_code"], run["peak_memory"] > 1) == ("1.0\n", 0, True)
    day.call("GET", f"/api/tasks/{task}/executions/{run['execution_id']}/logs")
    del day.seen[f"GET /api/tasks/{task}/executions/{run['execution_id']}/logs"]


def failing(day: Day) -> None:
    body = {"script": "import sys\nprint('no')\nsys.exit(3)", "conda_env": "data", "task_name": "bad"}
    task = day.call("POST", "/api/tasks", body, of="failing", status=201)["task"]["task_id"]
    assert day.ends(task, "failed")["latest_execution"]["exit_code"] == 3
    body = {"script": "print(1)", "conda_env": "nowhere", "task_name": "lost"}
    task = day.call("POST", "/api/tasks", body, of="in no environment", status=201)["task"]["task_id"]
    assert "'nowhere'" in day.ends(task, "failed")["latest_execution"]["logs"]


def required(day: Day) -> None:
    body = {"script": "import hello", "conda_env": "data", "task_name": "new", "requirements": "hello>=1.1"}
    made = day.call("POST", "/api/tasks", body, of="with requirements", status=201)
    assert made["task"]["conda_env"] == "data_1"
    day.ends(made["task"]["task_id"], "completed")
    day.call(
        "POST", "/api/tasks", body | {"task_name": "x", "requirements": "lonely"}, of="lonely", status=400
    )
    day.call("DELETE", "/api/conda/environment/data_1", of="in use", status=400)


def later(day: Day) -> None:
    body = {"script": "print('later')", "conda_env": "data", "task_name": "delayed", "delay_seconds": 2}
    task = day.call("POST", "/api/tasks", body, of="delayed", status=201)["task"]["task_id"]
    assert day.ends(task, "completed")["task"]["next_run_time"] is None
    body = {
        "script": "print('cron')",
        "conda_env": "data",
        "task_name": "nightly",
        "cron_expression": "30 2 * * 7",
    }
    task = day.call("POST", "/api/tasks", body, of="cron", status=201)["task"]["task_id"]
    path = f"/api/tasks/{task}"
    day.call("POST", f"{path}/pause", of="schedule")
    day.call("POST", f"{path}/resume", of="schedule")
    day.call("POST", f"{path}/trigger")
    # A worker may have taken it by then.
    assert day.seen[f"POST {path}/trigger"]["body"]["task"].pop("status") in (
        "scheduled",
        "running",
        "completed",
    )
    assert day.ends(task, "completed")["task"]["next_run_time"]
    day.call("PUT", path, {"cron_expression": "0 4 1 * *", "task_name": "monthly"})


def watched(day: Day, belfry: Belfry) -> None:
    body = {"script": SLOW, "conda_env": "data", "task_name": "slow"}
    task = day.call("POST", "/api/tasks", body, of="slow", status=201)["task"]["task_id"]
    path = f"/api/tasks/{task}"
    day.until(task, lambda found: "%" in (found["latest_execution"] or {}).get("logs", ""))
    day.call("POST", "/api/conda/environment/data/packages", {"packages": ["hello"]}, of="in use", status=400)
    day.call("PUT", path, {"task_name": "x"}, of="running", status=400)
    day.call("DELETE", path, of="running", status=400)
    day.call("POST", f"{path}/pause")
    assert eventually(lambda: states(belfry) == {"T"}, 20)
    day.call("POST", f"{path}/stop", of="paused", status=400)
    day.call("POST", f"{path}/resume")
    assert eventually(lambda: "T" not in states(belfry), 20)
    day.call("POST", f"{path}/stop")
    assert not states(belfry)
    run = day.ends(task, "stopped")["latest_execution"]
    assert (run["status"], run["logs"].count("%")) == ("stopped", 1)
    day.call("POST", f"{path}/stop", of="again", status=400)


def states(belfry: Belfry) -> set[str]:
    """How the processes of the slow script stand: T is stopped."""
    found = set()
    for pid, line in belfry.processes().items():
        if "sleep 300" in line:
            try:
                found.add(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0])
            except OSError:
                continue
    return found


def looked_at(day: Day) -> None:
    assert len(day.call("GET", "/api/tasks")) == 7
    stats = day.call("GET", "/api/tasks/stats")
    assert (stats["total"], sum(stats["last_7_days"]["success_counts"])) == (7, 4)
    assert len(day.call("GET", "/api/tasks/history")["data"]) == 7
    day.call("GET", "/api/conda/stats")
    # Their order and dates are those of this day.
    for path in ("/api/tasks/stats", "/api/tasks/history", "/api/conda/stats", "/api/conda/environments"):
        body = day.seen[f"GET {path}"]["body"]
        day.seen[f"GET {path}"]["body"] = sorted(body) if isinstance(body, dict) else sorted(body[0])


def end(day: Day) -> None:
    day.call("DELETE", "/api/tasks/1")
    day.call("GET", "/api/tasks/1", of="deleted", status=404)
    day.call("POST", "/logout")
    day.call("GET", "/api/tasks", of="logged out", status=401)


def test_a_day_of_the_old_client_is_answered_as_it_knows_it(belfry: Belfry) -> None:
    day = Day(belfry)
    accounts(day)
    environments(day)
    run_now(day)
    failing(day)
    required(day)
    later(day)
    watched(day, belfry)
    looked_at(day)
    end(day)
    assert day.seen == json.loads(GOLDEN.read_text())
