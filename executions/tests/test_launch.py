"""Running a job by hand."""

from __future__ import annotations

import datetime as dt

import pytest
from celery import current_app
from django.db.models.signals import post_init
from kombu.exceptions import OperationalError

from audit.models import Entry
from audit.record import Actor
from executions.ledger.launch import launch
from executions.models import Execution
from executions.tests.conftest import Ledger
from jobs.models import Job
from jobs.tests.factories import make_job, somebody
from jobs.verbs import Refused


def by() -> Actor:
    return Actor(somebody(), "api", "127.0.0.1")


@pytest.mark.django_db(transaction=True)
def test_a_run_by_hand_is_queued_announced_and_on_record(ledger: Ledger) -> None:
    job = make_job()
    run = launch(job, by=by())
    assert (run.trigger, run.state, run.scheduled_for) == ("manual", "queued", None)
    assert [found.pk for found in ledger.announced] == [run.pk]
    entry = Entry.objects.get(event="custom_run")
    assert (entry.actor_name, entry.description, entry.address) == ("olga", run.uid.hex, "127.0.0.1")


def test_it_leaves_the_schedule_alone(ledger: Ledger) -> None:
    job = make_job()
    launch(job, by=by())
    assert Job.objects.get(pk=job.pk).next_run_at == job.next_run_at


@pytest.mark.parametrize("overlap", ["allow", "queue"])
def test_the_runs_that_wait_already_cost_it_nothing(ledger: Ledger, overlap: str) -> None:
    job = make_job(overlap=overlap)
    for _ in range(5):
        launch(job, by=by())
    read = []

    def count(**told: object) -> None:
        read.append(told["instance"])

    post_init.connect(count, sender=Execution)
    launch(job, by=by())
    post_init.disconnect(count, sender=Execution)
    assert len(read) <= 2  # its own, and the one in the way


def test_overrides_count_for_this_run_only(ledger: Ledger) -> None:
    job = make_job(metadata={"a": 1})
    run = launch(
        job, by=by(), overrides={"metadata": {"b": 2}, "options": {"target_url": "https://1.0.0.1/other"}}
    )
    assert run.full_definition["metadata"] == {"b": 2}
    assert run.target == "https://1.0.0.1/other"
    job.refresh_from_db()
    assert (job.metadata, job.options["target_url"]) == ({"a": 1}, "https://1.1.1.1/hook")


def test_while_a_run_goes_on_a_second_one_is_refused_with_the_reason(ledger: Ledger) -> None:
    job = make_job()
    launch(job, by=by())
    with pytest.raises(Refused, match="has not ended yet"):
        launch(job, by=by())
    assert Execution.objects.count() == 1
    assert Entry.objects.filter(event="custom_run").count() == 1


def test_a_job_that_queues_lets_the_second_run_wait(ledger: Ledger) -> None:
    job = make_job(overlap="queue")
    launch(job, by=by())
    assert launch(job, by=by()).held is True


def test_a_job_that_replaces_ends_the_first_run(ledger: Ledger) -> None:
    job = make_job(overlap="replace")
    first = launch(job, by=by())
    launch(job, by=by())
    first.refresh_from_db()
    assert (first.state, first.reason) == ("skipped", "replaced")


def test_a_job_past_its_end_date_is_refused(ledger: Ledger) -> None:
    job = make_job()
    Job.objects.update(end_date=dt.date(2020, 1, 1))
    with pytest.raises(Refused, match="end date"):
        launch(job, by=by())


@pytest.mark.django_db(transaction=True)
def test_with_the_broker_away_the_run_is_kept_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_broker(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("connection refused")

    job = make_job()
    monkeypatch.setattr(current_app, "producer_or_acquire", no_broker)
    run = launch(job, by=by())
    run.refresh_from_db()
    assert (run.state, run.published_at) == ("queued", None)
