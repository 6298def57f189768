"""A job with a long history: gone at once for everybody; its runs stay, and are taken off it in slices."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from audit.record import Actor
from conftest import Api
from executions.models import OPEN, Execution
from executions.tests.conftest import Ledger
from executions.upkeep import reconcile
from jobs import verbs
from jobs.changes import removal
from jobs.models import Dependency, Job
from jobs.tests.factories import make_job, moment

HISTORY = 12


@pytest.fixture
def long(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job with more runs than a request takes off it: twelve that have ended, the oldest of which goes on."""
    monkeypatch.setattr(removal, "AT_ONCE", 3)
    monkeypatch.setattr(removal, "SLICE", 4)
    job = make_job(due="2026-03-01 00:00", catch_up="all", start_deadline=10**6, overlap="allow")
    ledger.tick("2026-03-01 11:00:01")
    Execution.objects.update(state="success")
    first = Execution.objects.order_by("due_at").first()
    assert first is not None
    Execution.objects.filter(pk=first.pk).update(state="queued")
    return job


def test_it_is_gone_at_once_and_its_name_is_free(long: Job, api: Api, ada: User) -> None:
    assert api(ada).delete(f"/api/jobs/{long.uid}").status_code == 200
    assert api(ada).get(f"/api/jobs/{long.uid}").status_code == 404
    assert api(ada).get("/api/jobs").json()["jobs"] == []
    assert not Job.objects.exists()
    again = make_job(name=long.name)
    assert again.pk != long.pk


def test_what_waits_is_skipped_at_once_and_the_newest_runs_say_that_it_is_deleted(
    long: Job, ledger: Ledger, client: Any, ada: User
) -> None:
    verbs.delete(long, by=Actor.system())
    assert not Execution.objects.filter(state__in=OPEN).exclude(job=None).exists()
    reconcile.end_unstartable(moment("2026-03-01 11:00:02"))
    assert ledger.fates(long)[0] == "00:00 skipped deleted"
    client.force_login(ada)
    newest = ledger.rows(long)[-1]
    assert "deleted" in client.get(reverse("execution", args=[newest.uid])).content.decode()


def test_its_runs_stay_and_the_row_goes_with_the_last_of_them(long: Job, ledger: Ledger) -> None:
    verbs.delete(long, by=Actor.system())
    assert Job.everything.filter(pk=long.pk).exists()
    assert removal.go_on() > removal.SLICE
    assert not Job.everything.filter(pk=long.pk).exists()
    assert len(ledger.rows(long)) == HISTORY
    assert not Execution.objects.exclude(job=None).exists()


def test_a_turn_ends_in_time_and_the_next_goes_on_where_a_crash_left_it(long: Job) -> None:
    verbs.delete(long, by=Actor.system())
    left = Execution.objects.exclude(job=None).count()
    assert removal.go_on(seconds=-1) == removal.SLICE
    assert Execution.objects.exclude(job=None).count() == left - removal.SLICE
    removal.go_on()
    assert not Job.everything.exists()


def test_the_reconciler_goes_on_with_it(long: Job, ledger: Ledger) -> None:
    verbs.delete(long, by=Actor.system())
    reconcile.reconcile(moment("2026-03-01 11:00:02"))
    assert not Job.everything.exists()


def test_nothing_of_it_is_left_beside_its_runs(long: Job, ledger: Ledger) -> None:
    other = make_job(name="follows")
    Dependency.objects.create(job=other, after=long)
    verbs.pause(long, by=Actor.system(), reason="soon gone")
    Job.objects.filter(pk=long.pk).update(secrets={"token": "s3cret"})
    verbs.delete(Job.objects.get(pk=long.pk), by=Actor.system())
    hidden = Job.everything.get(pk=long.pk)
    assert (hidden.secrets, hidden.options, hidden.periodic_task_id) == ({}, {}, None)
    assert not Dependency.objects.exists()
    assert not hidden.pauses.exists()
    assert not hidden.inactive_periods.exists()


def test_a_short_history_needs_no_second_step(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 00:00")
    ledger.tick("2026-03-01 00:00:01")
    verbs.delete(job, by=Actor.system())
    assert not Job.everything.exists()
    assert len(ledger.rows(job)) == 1
