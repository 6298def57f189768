"""A beat that is told to end: what it is doing at that moment, it does to its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from celery.beat import Service
from django.db import connection
from django.utils import timezone

from executions.beat import JobScheduler
from executions.ledger.due import tick
from executions.models import Heartbeat
from executions.worker import beat_shutdown
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """As `celery beat` has it: with its signal handlers, and without the threads that it starts at its first tick."""
    monkeypatch.setattr(beat_shutdown.ending, "_asked", False)
    monkeypatch.setattr(JobScheduler, "_begin", lambda self: None)
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    service = Service(app=app, scheduler_cls=JobScheduler)
    assert isinstance(service.scheduler, JobScheduler)
    app.Beat(quiet=True).install_sync_handler(service)
    yield service
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def told_to_end(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def due_job() -> Job:
    job = make_job()
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    Job.objects.filter(pk=job.pk).update(next_run_at=now)
    return job


def test_a_tick_in_which_the_signal_comes_is_completed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, locked = due_job(), tick._locked

    def interrupted(*args: Any) -> list[Job]:
        found = locked(*args)
        told_to_end()
        return found

    monkeypatch.setattr(tick, "_locked", interrupted)
    service.start()
    assert job.executions.count() == 1
    job.refresh_from_db()
    assert job.next_run_at is not None
    assert job.next_run_at > timezone.now()


def test_a_signal_in_the_middle_of_a_statement_asks_the_database_for_nothing(
    service: Service,
) -> None:
    """Its connection is in use: on PostgreSQL that would wait for itself."""
    under_way: list[str] = []
    due_job()

    def watched(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        assert not under_way, f"{sql} in the middle of {under_way}"
        under_way.append(sql)
        try:
            if "jobs_job" in sql:
                told_to_end()
            return execute(sql, params, many, context)
        finally:
            under_way.clear()

    with connection.execute_wrapper(watched):
        service.start()


def test_a_beat_that_was_told_to_end_is_gone_from_the_processes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_job()
    monkeypatch.setattr("executions.beat.tick", told_to_end)
    service.start()
    assert not Heartbeat.objects.filter(role="beat").exists()


def test_between_two_ticks_a_signal_ends_it_at_once(service: Service) -> None:
    with pytest.raises(SystemExit):
        told_to_end()
