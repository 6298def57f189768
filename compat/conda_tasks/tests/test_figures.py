"""GET /api/tasks/stats and /api/tasks/history (document; wire facts, 5)."""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import User
from compat.conda_tasks.statistics import per_day
from compat.conda_tasks.tests import rows
from compat.conda_tasks.tests.conftest import Speak
from environments.backends.base import Package
from environments.models import Environment
from environments.operations import contents
from executions.models import Execution, State
from jobs.models import Job
from jobs.models.stored_schedule import NEVER
from jobs.tests.factories import make_job

NOTHING = {
    "total": 0, "scheduled": 0, "running": 0, "completed": 0, "failed": 0, "stopped": 0, "paused": 0,
    "avg_duration": 0, "min_duration": 0, "max_duration": 0, "success_rate": 0, "recent_tasks": [],
}  # fmt: skip
HISTORY = {
    "task_id", "task_name", "status", "execution_time", "duration", "peak_memory", "avg_memory", "exit_code",
    "execution_id",
}  # fmt: skip
TAIPEI = ZoneInfo("Asia/Taipei")


@pytest.fixture
def data(coder: User) -> Environment:
    return rows.environment(coder)


def task(owner: User, where: Environment, name: str, *states: str) -> Job:
    """A task that has no schedule, with runs that ended so."""
    job = rows.task(owner, where, NEVER, name=name)
    for number, state in enumerate(states):
        rows.run(job, state, ago=100 - 10 * number, seconds=number + 1)
    return job


def test_without_tasks_all_is_zero(old: Speak, coder: User) -> None:
    found = old(coder).get("/api/tasks/stats")
    week = found.pop("last_7_days")
    assert found == NOTHING
    assert (week["success_counts"], week["failed_counts"]) == ([0] * 7, [0] * 7)
    days = [dt.date.fromisoformat(day) for day in week["dates"]]
    assert days[-1] == timezone.now().astimezone(TAIPEI).date()
    assert [later - earlier for earlier, later in pairwise(days)] == [dt.timedelta(days=1)] * 6


def test_tasks_are_counted_by_status_and_runs_by_how_they_ended(
    old: Speak, coder: User, data: Environment
) -> None:
    task(coder, data, "good", State.FAILED, State.SUCCESS, State.SUCCESS)
    task(coder, data, "fine", State.SUCCESS)
    task(coder, data, "bad", State.SUCCESS, State.FAILED)
    task(coder, data, "ended", State.STOPPED)
    task(coder, data, "going", State.RUNNING)
    task(coder, data, "new")
    make_job(coder, name="no task")
    found = old(coder).get("/api/tasks/stats")
    counts = ("total", "scheduled", "running", "completed", "failed", "stopped", "paused")
    assert [found[word] for word in counts] == [6, 1, 1, 2, 1, 1, 0]
    assert found["success_rate"] == 66.7
    # 1, 2, 3; 1; 1, 2; 1 seconds
    assert (found["avg_duration"], found["min_duration"], found["max_duration"]) == (1.571, 1, 3)
    assert found["last_7_days"]["success_counts"][-1] + found["last_7_days"]["success_counts"][-2] == 4
    assert found["last_7_days"]["failed_counts"][-1] + found["last_7_days"]["failed_counts"][-2] == 2
    recent = found["recent_tasks"]
    assert len(recent) == 5
    assert [one["start_time"] for one in recent] == sorted(
        (one["start_time"] for one in recent), reverse=True
    )
    assert set(recent[0]) == {"task_id", "name", "status", "start_time", "end_time", "duration"}
    assert (recent[0]["name"], recent[0]["status"], recent[0]["duration"]) == ("good", "completed", 3)


def test_days_begin_at_midnight_in_the_zone_of_the_scheduler(coder: User, data: Environment) -> None:
    job = task(coder, data, "any")
    now = dt.datetime(2026, 5, 2, 1, 0, tzinfo=TAIPEI)
    for began, state in (
        ("02 00:00", "success"),
        ("01 23:59", "success"),
        ("01 00:00", "lost"),
        ("25 12:00", "failed"),
    ):
        day, _, time = began.partition(" ")
        month = 4 if day == "25" else 5
        at = dt.datetime(2026, month, int(day), int(time[:2]), int(time[3:]), tzinfo=TAIPEI)
        rows.run(job, state, started_at=at)
    assert per_day(Execution.objects.all(), now) == {
        "dates": [f"2026-04-{day}" for day in (26, 27, 28, 29, 30)] + ["2026-05-01", "2026-05-02"],
        "success_counts": [0, 0, 0, 0, 0, 1, 1],
        "failed_counts": [0, 0, 0, 0, 0, 1, 0],
    }


def test_the_history_has_the_runs_of_a_month_the_newest_first(
    old: Speak, coder: User, data: Environment
) -> None:
    job = task(coder, data, "good", State.FAILED, State.SUCCESS, State.RUNNING)
    rows.run(job, State.MISSED, ago=5)
    found = old(coder).get("/api/tasks/history")
    assert set(found) == {"status", "data"}
    assert found["status"] == "success"
    assert all(set(one) == HISTORY for one in found["data"])
    assert [one["status"] for one in found["data"]] == ["running", "completed", "failed"]
    going, done, _failed = found["data"]
    assert (going["duration"], done["duration"], done["task_id"], done["task_name"]) == (
        None,
        2,
        job.pk,
        "good",
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", done["execution_time"])


def test_an_empty_history_is_a_success(old: Speak, coder: User) -> None:
    assert old(coder).get("/api/tasks/history") == {"status": "success", "data": []}


# Environments ----------------------------------------------------------------------------------------------------------


def test_the_figures_of_environments(
    old: Speak, coder: User, data: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = (Package("six", "1.17.0"), Package("tomli", "2.0.1"))
    monkeypatch.setattr(contents, "installed", lambda _environment: two)
    Environment.objects.filter(pk=data.pk).update(disk_bytes=1.234 * 1024**3)
    unused = rows.environment(coder, "unused", disk_bytes=None)
    rows.environment(coder, "named", state="absent")
    rows.environment(coder, "growing", state="creating")
    task(coder, data, "one", State.SUCCESS, State.SUCCESS)
    task(coder, data, "two", State.FAILED)
    task(coder, Environment.objects.get(name="named"), "three")
    client = old(coder)
    stats = client.get("/api/conda/stats")
    created = stats.pop("latest_created")
    assert created["name"] == "unused"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", created["created_at"])
    assert stats == {
        "total_environments": 2,
        "active_environments": 1,
        "total_disk_usage": 1.23,
        "environment_usage": [
            {"name": "data", "usage_percent": 67},
            {"name": "unused", "usage_percent": 0},
        ],
        "package_stats": [{"name": "data", "package_count": 2}, {"name": "unused", "package_count": 2}],
    }
    listed = client.get("/api/conda/environments")
    assert [one["name"] for one in listed] == ["data", unused.name]
    assert set(listed[0]) == {"name", "python_version", "packages", "created_at"}
    assert (listed[0]["python_version"], listed[0]["packages"]) == ("3.11.7", ["six==1.17.0", "tomli==2.0.1"])
    detail = client.get("/api/conda/environment/data")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", detail.pop("created_at"))
    usage = detail.pop("usage_stats")
    assert detail == {
        "name": "data",
        "python_version": "3.11.7",
        "packages": [{"name": "six", "version": "1.17.0"}, {"name": "tomli", "version": "2.0.1"}],
    }
    assert (usage["total_tasks"], usage["success_rate"], usage["avg_execution_time"]) == (2, 50, 2)
    assert (usage["disk_usage"], usage["failed_tasks"], usage["active_tasks"]) == (1.23, 1, 0)


def test_without_environments_all_is_zero(old: Speak, coder: User) -> None:
    assert old(coder).get("/api/conda/stats") == {
        "total_environments": 0,
        "active_environments": 0,
        "total_disk_usage": 0,
        "latest_created": None,
        "environment_usage": [],
        "package_stats": [],
    }
