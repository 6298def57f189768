"""The numbers that the system is judged by."""

from __future__ import annotations

import datetime as dt
import itertools
import threading

import pytest
from pytest_django import DjangoAssertNumQueries

from executions.models import Heartbeat, State
from executions.monitoring import figures
from executions.monitoring.figures import Open
from executions.tests.test_page_list import make_run
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from notifications.models import Alert
from scheduler_site.lib.cache import TTLCache

NOW = moment("2026-03-02 12:00")
HOURS, MINUTES = dt.timedelta(hours=1), dt.timedelta(minutes=1)


@pytest.fixture
def job(db: None) -> Job:
    job = make_job()
    Job.objects.update(next_run_at=None)
    return job


def test_an_idle_house_has_nothing_to_wait_for(job: Job) -> None:
    now = figures.count(NOW)
    assert (now.oldest_due, now.oldest_queued, now.open.total, now.undelivered) == (0, 0, 0, 0)
    assert now.noticed == {"lost": 0, "missed": 0, "skipped": 0}


def test_what_waits_has_an_age_and_what_is_yet_to_come_has_none(job: Job) -> None:
    Job.objects.update(next_run_at=NOW - 7 * MINUTES)
    make_run(job, state=State.QUEUED, due_at=NOW - 3 * MINUTES)
    assert (figures.count(NOW).oldest_due, figures.count(NOW).oldest_queued) == (420, 180)
    Job.objects.update(next_run_at=NOW + MINUTES)
    assert figures.count(NOW).oldest_due == 0


def test_open_runs_are_told_apart_by_what_they_wait_for(job: Job) -> None:
    make_run(job, state=State.RUNNING)
    make_run(job, state=State.QUEUED)
    make_run(job, state=State.QUEUED, held=True)
    make_run(job, state=State.QUEUED, next_attempt_at=NOW + MINUTES)
    make_run(job, state=State.SUCCESS)
    assert figures.count(NOW).open == Open(running=1, queued=1, held=1, retrying=1)


def test_an_outage_is_noticed_when_it_is_recorded_and_counts_every_due_time(job: Job) -> None:
    make_run(job, state=State.MISSED, due_at=NOW - 30 * HOURS, finished_at=NOW - HOURS, slots=1440)
    make_run(job, state=State.MISSED, due_at=NOW - 2 * HOURS, finished_at=NOW - HOURS)
    make_run(job, state=State.LOST, due_at=NOW - 30 * HOURS, finished_at=NOW - 25 * HOURS)
    make_run(job, state=State.SKIPPED, due_at=NOW - 2 * HOURS, finished_at=NOW - 2 * HOURS)
    make_run(job, state=State.FAILED, due_at=NOW - 2 * HOURS, finished_at=NOW - 2 * HOURS)
    assert figures.count(NOW).noticed == {"lost": 0, "missed": 1441, "skipped": 1}


@pytest.mark.parametrize(
    ("state", "minutes", "expected"),
    [("pending", 4, 0), ("pending", 6, 1), ("sending", 6, 1), ("undeliverable", 1, 1), ("delivered", 60, 0)],
)
def test_alerts_that_people_should_have_and_have_not_are_counted(
    job: Job, state: str, minutes: int, expected: int
) -> None:
    Alert.objects.create(
        key="1",
        event="job_failed",
        channel="slack",
        state=state,
        created_at=NOW - minutes * MINUTES,
        give_up_at=NOW,
    )
    assert figures.count(NOW).undelivered == expected


def test_each_process_is_listed_with_its_age_and_the_reconciler_is_none(job: Job) -> None:
    for name, role, age in (("beat a:1", "beat", 2), ("io b:2", "io", 60), ("reconciler", "reconciler", 1)):
        at = NOW - dt.timedelta(seconds=age)
        Heartbeat.objects.create(name=name, role=role, at=at, started_at=at)
    listed = [(one.role, one.name, one.age, one.alive) for one in figures.count(NOW).processes]
    assert listed == [("beat", "a:1", 2.0, True), ("io", "b:2", 60.0, False)]


def test_the_figures_cost_the_same_however_many_runs_there_are(
    job: Job, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        make_run(job, state=State.QUEUED)
    with django_assert_num_queries(6):
        figures.count(NOW)


def test_many_who_ask_at_once_get_one_answer() -> None:
    counter = itertools.count(1)
    ask = TTLCache(lambda: next(counter), 60)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ask() == 1
    ask.forget()
    assert ask() == 2


def test_an_answer_that_failed_is_not_remembered() -> None:
    divisors = iter([0, 2])
    briefly = TTLCache(lambda: 10 // next(divisors), 60)
    with pytest.raises(ZeroDivisionError):
        briefly()
    assert briefly() == 5
