"""What is said of the use of an environment: its jobs, and how their runs did."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import User
from environments import usage
from environments.models import Environment
from environments.tests.test_verbs import use
from executions.ledger.launch import row
from executions.models import State, Trigger
from jobs.models import Job

pytestmark = pytest.mark.django_db


def ran(job: Job, state: State, duration: float | None = None) -> None:
    now = timezone.now()
    run = row(job, now, now, Trigger.MANUAL)
    run.state, run.duration, run.started_at = state, duration, now
    run.save()


def test_runs_of_all_its_jobs_are_counted_and_others_are_not(uma: User) -> None:
    data, other = (
        Environment.objects.create(name=name, backend="pypi", state="ready") for name in ("data", "other")
    )
    first, second, third = use(data, uma, "first"), use(data, uma, "second"), use(other, uma, "third")
    ran(first, State.SUCCESS, 2.0)
    ran(first, State.SUCCESS, 4.0)
    ran(second, State.FAILED, 100.0)
    ran(second, State.TIMEOUT, 100.0)
    ran(second, State.STOPPED, 100.0)
    ran(second, State.RUNNING)
    ran(third, State.SUCCESS, 50.0)
    found = usage.of(data)
    assert (found.jobs, found.running, found.succeeded, found.failed) == (2, 1, 2, 2)
    assert (found.success_rate, found.mean_duration) == (50.0, 3.0)
    assert found.last_used_at is not None


def test_without_runs_there_is_no_rate() -> None:
    found = usage.of(Environment.objects.create(name="data", backend="pypi", state="ready"))
    assert (found.jobs, found.success_rate, found.mean_duration, found.last_used_at) == (0, None, None, None)


def test_shares_are_of_all_jobs_that_name_an_environment(uma: User) -> None:
    for name, jobs in (("a", 3), ("b", 1), ("c", 0)):
        environment = Environment.objects.create(name=name, backend="pypi", state="ready", disk_bytes=10)
        for number in range(jobs):
            use(environment, uma, f"{name} {number}")
    found = usage.summary(Environment.objects.existing())
    assert (found.total, found.active, found.total_disk) == (3, 2, 30)
    assert [(share.name, share.jobs, share.percent) for share in found.shares] == [
        ("a", 3, 75.0),
        ("b", 1, 25.0),
        ("c", 0, 0.0),
    ]
