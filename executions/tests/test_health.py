"""Health is read from the rows: who has given a sign of life, and what waits too long."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone
from kombu.exceptions import OperationalError

from executions import health, heartbeat
from executions.models import Heartbeat
from executions.tests.conftest import Ledger
from jobs.models import Job
from jobs.tests.factories import make_job


@pytest.fixture(autouse=True)
def _broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "depth", lambda queue: 0)
    monkeypatch.setattr(health, "BROKER_SECONDS", -1.0)


def everybody(age: float = 1) -> None:
    now = timezone.now()
    for role in ("beat", "io", "code", "system"):
        at = now - dt.timedelta(seconds=age)
        Heartbeat.objects.create(name=f"{role} test", role=role, at=at, started_at=at)


def bad() -> list[str]:
    return [check.name for check in health.report().checks if not check.ok]


def test_it_is_healthy_when_everybody_gives_signs_of_life(db: None) -> None:
    everybody()
    report = health.report()
    assert (report.status, report.scheduler_running) == ("healthy", True)


def test_nobody_at_all_is_degraded(db: None) -> None:
    report = health.report()
    assert (report.status, report.scheduler_running) == ("degraded", False)


@pytest.mark.parametrize(("role", "name"), [("beat", "beat"), ("code", "worker code")])
def test_a_silent_process_is_named_within_thirty_seconds(db: None, role: str, name: str) -> None:
    everybody()
    Heartbeat.objects.filter(role=role).update(at=timezone.now() - dt.timedelta(seconds=29))
    assert bad() == [name]


def test_a_second_beat_makes_up_for_a_silent_one(db: None) -> None:
    everybody(age=60)
    everybody_now = timezone.now()
    Heartbeat.objects.create(name="beat two", role="beat", at=everybody_now, started_at=everybody_now)
    assert health.report().scheduler_running is True


def test_a_broker_that_does_not_answer_is_named(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(queue: str) -> int:
        raise OperationalError("timed out")

    everybody()
    monkeypatch.setattr(health, "depth", silent)
    assert bad() == ["broker"]


def test_a_database_that_does_not_answer_is_named_and_nothing_raised(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise DatabaseError("gone")

    monkeypatch.setattr(health, "freshest", away)
    assert "database" in bad()


def test_a_due_time_that_no_tick_takes_is_seen(ledger: Ledger) -> None:
    everybody()
    job = make_job()
    Job.objects.filter(pk=job.pk).update(next_run_at=timezone.now() - dt.timedelta(seconds=40))
    assert bad() == ["oldest due"]


def test_a_run_that_no_worker_takes_is_seen(ledger: Ledger) -> None:
    everybody()
    job = make_job(due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    job.executions.update(due_at=timezone.now() - dt.timedelta(seconds=40))
    Job.objects.update(next_run_at=None)
    assert bad() == ["oldest queued"]


def test_a_process_shows_itself_and_leaves_without_a_trace(db: None) -> None:
    heartbeat.beat("here:1", ["io", "code"])
    assert set(heartbeat.freshest(timezone.now())) == {"io", "code"}
    heartbeat.leave("here:1", ["io", "code"])
    assert heartbeat.freshest(timezone.now()) == {}
