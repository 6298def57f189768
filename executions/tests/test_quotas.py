"""Runs beyond what an account or a category may have wait with a reason and start later; asking too often is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import User
from executions.ledger.claims import claim
from executions.ledger.limits import quotas
from executions.models import Execution, Reason, State, Trigger
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    quotas._totals.forget()
    yield
    quotas._totals.forget()


def queued(job: Job, now: dt.datetime) -> Execution:
    return Execution.objects.create(
        job=job,
        job_name=job.name,
        job_uid=job.uid,
        kind=job.kind,
        definition=job.definition(),
        category_id=job.category_id,
        trigger=Trigger.SCHEDULED,
        scheduled_for=now,
        due_at=now,
        created_at=now,
        start_before=now + dt.timedelta(hours=1),
    )


def taken(runs: list[Execution], now: dt.datetime) -> int:
    quotas._totals.forget()
    return len(claim([str(run.uid) for run in runs], "worker", now))


@pytest.mark.parametrize("of", ["ACCOUNT", "CATEGORY"])
def test_what_is_beyond_the_runs_at_once_waits_and_is_taken_when_there_is_room(
    uma: User, ada: User, settings: Settings, of: str
) -> None:
    setattr(settings, f"RUNS_AT_ONCE_PER_{of}", 2)
    now = clock.now()
    runs = [queued(make_job(uma, name=f"job {number}"), now) for number in range(3)]
    assert taken(runs, now) == 2
    (late,) = Execution.objects.filter(state=State.QUEUED)
    assert (late.reason, late.next_attempt_at) == (Reason.QUOTA, now + quotas.AGAIN)
    assert taken(runs, now + quotas.AGAIN) == 0
    Execution.objects.running().update(state=State.SUCCESS)
    assert taken(runs, now + 3 * quotas.AGAIN) == 1
    late.refresh_from_db()
    assert (late.state, late.reason) == (State.RUNNING, Reason.NONE)


def test_one_account_does_not_use_up_what_another_may_have(uma: User, ada: User, settings: Settings) -> None:
    settings.RUNS_AT_ONCE_PER_ACCOUNT = 1
    now = clock.now()
    runs = [queued(make_job(owner, name=f"{owner} {n}"), now) for owner in (uma, ada) for n in range(3)]
    assert taken(runs, now) == 2
    assert {run.job.owner_id for run in Execution.objects.running() if run.job} == {uma.pk, ada.pk}


def test_starts_in_a_minute_are_bounded_and_go_on_in_the_next(uma: User, settings: Settings) -> None:
    settings.STARTS_PER_MINUTE_PER_ACCOUNT = 2
    now = clock.now()
    runs = [queued(make_job(uma, name=f"job {number}"), now) for number in range(5)]
    assert taken(runs, now) == 2
    Execution.objects.running().update(state=State.SUCCESS)
    assert taken(runs, now + dt.timedelta(seconds=30)) == 0
    assert taken(runs, now + dt.timedelta(seconds=61)) == 2


def test_a_run_that_waits_too_long_is_missed_and_not_forgotten(uma: User, settings: Settings) -> None:
    settings.RUNS_AT_ONCE_PER_ACCOUNT = 1
    now = clock.now()
    runs = [queued(make_job(uma, name=f"job {number}"), now) for number in range(2)]
    assert taken(runs, now) == 1
    assert taken(runs, now + dt.timedelta(hours=2)) == 0
    assert Execution.objects.filter(state=State.MISSED, reason=Reason.DEADLINE).count() == 1


def test_asking_too_often_is_refused_by_name(uma: User, ada: User, settings: Settings) -> None:
    settings.LAUNCHES_PER_MINUTE = 1
    job = make_job(uma, overlap="allow")
    api = APIClient()
    api.force_authenticate(uma)
    path = f"/api/v2/jobs/{job.uid}/execute?wait=0"
    assert api.post(path).status_code == 200
    refused = api.post(path)
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert "LAUNCHES_PER_MINUTE" in refused.json()["message"]
    assert Execution.objects.count() == 1
    api.force_authenticate(ada)
    assert api.post(path).status_code == 200


def test_metadata_of_one_run_have_the_bound_of_a_job(uma: User, settings: Settings) -> None:
    settings.JOB_METADATA_MAX_BYTES = 100
    api = APIClient()
    api.force_authenticate(uma)
    path = f"/api/v2/jobs/{make_job(uma).uid}/execute?wait=0"
    refused = api.post(path, {"metadata": {"text": "x" * 200}}, format="json")
    assert (refused.status_code, "JOB_METADATA_MAX_BYTES" in refused.json()["message"]) == (400, True)
    assert not Execution.objects.exists()
