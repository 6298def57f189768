"""The beat's own habits: what it leaves to the stock scheduler, when it wakes, what it survives."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from amqp.exceptions import MessageNacked
from django.db import OperationalError
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from executions import beat
from executions.beat import JobScheduler
from executions.models import Execution
from executions.monitoring import heartbeat
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> JobScheduler:
    scheduler = JobScheduler(app=app, lazy=True)
    scheduler._started = True
    announced: list[Execution] = []
    monkeypatch.setattr(scheduler, "announcer", announced.extend)
    monkeypatch.setattr(heartbeat, "beat", lambda *_: None)
    return scheduler


def test_jobs_are_not_among_the_tasks_of_the_stock_scheduler(scheduler: JobScheduler) -> None:
    make_job()
    assert PeriodicTask.objects.filter(name__startswith="job ").count() == 1
    assert not scheduler.enabled_models_qs().filter(name__startswith="job ").exists()


def test_the_own_task_of_the_system_is(scheduler: JobScheduler) -> None:
    scheduler.setup_schedule()
    assert "belfry prune" in scheduler.schedule


def test_it_sleeps_until_the_next_due_time_and_at_most_a_second(scheduler: JobScheduler) -> None:
    assert scheduler._tick_jobs() == 1.0
    job = make_job()
    Job.objects.filter(pk=job.pk).update(next_run_at=timezone.now() + dt.timedelta(seconds=0.4))
    assert 0 <= scheduler._tick_jobs() <= 0.4


def test_it_writes_the_rows_of_what_is_due(scheduler: JobScheduler) -> None:
    job = make_job()
    Job.objects.filter(pk=job.pk).update(
        next_run_at=timezone.now().replace(minute=0, second=0, microsecond=0)
    )
    scheduler._tick_jobs()
    assert job.executions.count() == 1


def test_it_survives_a_database_that_is_away(
    scheduler: JobScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(beat, "next_due", away)
    assert scheduler._tick_jobs() == 1.0


def test_a_due_job_that_somebody_has_locked_does_not_keep_the_beat_busy(
    scheduler: JobScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job()
    Job.objects.filter(pk=job.pk).update(next_run_at=timezone.now() - dt.timedelta(seconds=1))
    monkeypatch.setattr(beat, "tick", lambda *_: 0)
    assert scheduler._tick_jobs() == beat.LOCKED


def test_an_announcer_goes_on_whatever_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()

    def publish(runs: list[Execution]) -> None:
        if not runs:
            raise MessageNacked
        told.set()

    monkeypatch.setattr(beat, "publish", publish)
    announcer = beat.Announcer()
    announcer.start()
    announcer([])
    announcer([Execution()])
    assert told.wait(10)
