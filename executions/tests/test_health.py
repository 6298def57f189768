"""Health is read from the rows: who has given a sign of life, and what waits too long."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings

from executions.models import Heartbeat
from executions.monitoring import health, heartbeat
from executions.tests.conftest import Ledger
from executions.upkeep import reconcile
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.lib import clock


@pytest.fixture(autouse=True)
def _broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "depth", lambda queue: 0)
    monkeypatch.setattr(health, "broker", health.BrokerProbe())


def everybody(age: float = 1) -> None:
    now = timezone.now()
    for role in ("beat", "io", "code", "system", heartbeat.RECONCILED):
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


@pytest.mark.parametrize(
    ("role", "name"), [("beat", "beat"), ("code", "worker code"), ("reconciled", "reconciler")]
)
def test_a_silent_process_is_named_within_thirty_seconds(db: None, role: str, name: str) -> None:
    everybody()
    Heartbeat.objects.filter(role=role).update(at=timezone.now() - dt.timedelta(seconds=29))
    assert bad() == [name]


def test_a_second_beat_makes_up_for_a_silent_one(db: None) -> None:
    everybody(age=60)
    now = timezone.now()
    Heartbeat.objects.create(name="beat two", role="beat", at=now, started_at=now)
    assert health.report().scheduler_running is True


def test_a_broker_that_does_not_answer_is_named(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(queue: str) -> int:
        raise OperationalError("timed out")

    everybody()
    monkeypatch.setattr(health, "depth", silent)
    assert bad() == ["broker"]


def test_a_broker_that_hangs_is_waited_for_a_moment_and_asked_by_one_thread(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, asked = threading.Event(), []

    def hang(queue: str) -> int:
        asked.append(queue)
        go_on.wait(10)
        return 0

    everybody()
    monkeypatch.setattr(health, "BROKER_SECONDS", 0.05)
    monkeypatch.setattr(health, "depth", hang)
    assert [bad(), bad(), asked] == [["broker"], ["broker"], ["io"]]
    go_on.set()


def test_a_sign_of_life_from_the_future_tells_nothing(db: None) -> None:
    everybody()
    Heartbeat.objects.filter(role="io").update(at=timezone.now() + dt.timedelta(hours=1))
    assert bad() == ["worker io"]


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


def test_due_times_may_pass_where_nothing_is_to_tick(ledger: Ledger, settings: Settings) -> None:
    everybody()
    Job.objects.filter(pk=make_job().pk).update(next_run_at=timezone.now() - dt.timedelta(hours=1))
    settings.SCHEDULER_ENABLED = False
    assert bad() == []


def test_a_turn_of_the_reconciler_that_fails_half_way_each_time_is_none(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody()
    reconcile.take_turn(now := timezone.now())
    assert heartbeat.freshest(now)[heartbeat.RECONCILED] == dt.timedelta(0)

    def fail() -> None:
        raise DatabaseError("no such table")

    monkeypatch.setattr(reconcile, "pause_ended", fail)
    for seconds in (15, 30):
        with pytest.raises(DatabaseError):
            reconcile.take_turn(now + dt.timedelta(seconds=seconds))
    later = health.report(now + dt.timedelta(seconds=30))
    assert [check.ok for check in later.checks if check.name == "reconciler"] == [False]


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


def test_a_host_whose_clock_differs_is_named_but_does_no_harm(db: None) -> None:
    everybody()
    Heartbeat.objects.filter(role="io").update(ahead=12.3, name="io node-2:17")
    Heartbeat.objects.filter(role="code").update(ahead=-0.9, name="code node-3:4")
    report = health.report()
    (clocks,) = [check for check in report.checks if check.name == "clocks"]
    assert (clocks.ok, clocks.told) == (False, "differ from the database: node-2 +12.3 s")
    assert report.status == "healthy"


def test_a_process_shows_how_far_its_clock_is_off(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "ahead", lambda: 2.5)
    heartbeat.beat("here:2", ["io"])
    assert heartbeat.clocks(heartbeat.processes(clock.now())) == {"here": 2.5}
    heartbeat.leave("here:2", ["io"])


def test_of_very_many_jobs_the_number_is_counted_once_in_a_while(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        make_job(name=f"job {number}", due="2030-01-01 00:00")
    assert health.report().scheduled_jobs_count == 2
    health.many_scheduled.forget()
    monkeypatch.setattr(health, "COUNTED", 1)
    assert health.report().scheduled_jobs_count == 2
    make_job(name="one more", due="2030-01-01 00:00")
    assert health.report().scheduled_jobs_count == 2
    health.many_scheduled.forget()
    assert health.report().scheduled_jobs_count == 3
