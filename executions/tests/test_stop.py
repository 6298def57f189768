"""Stopping a run."""

from __future__ import annotations

from typing import Any

from audit.models import Entry
from audit.record import Actor
from executions.ledger import verbs
from executions.tests.conftest import Ledger
from jobs.models import Job
from jobs.tests.factories import make_job, somebody


def queued(ledger: Ledger, **changes: Any) -> Job:
    job = make_job(due="2026-03-01 10:00", **changes)
    ledger.tick("2026-03-01 10:00:01")
    return job


def by() -> Actor:
    return Actor(somebody(), "page")


def test_a_run_that_waits_is_stopped_at_once(ledger: Ledger) -> None:
    job = queued(ledger)
    assert verbs.stop(ledger.rows(job)[0], by=by()) is True
    assert ledger.fates(job) == ["10:00 stopped stopped"]
    assert ledger.claim(ledger.rows(job)[0], "2026-03-01 10:00:05") == []


def test_a_running_one_is_asked_to_stop(ledger: Ledger) -> None:
    job = queued(ledger)
    ledger.claim(ledger.rows(job)[0], "2026-03-01 10:00:02")
    assert verbs.stop(ledger.rows(job)[0], by=by()) is True
    (row,) = ledger.rows(job)
    assert (row.state, row.is_stopping, row.stop_reason) == ("running", True, "stopped")


def test_stopping_what_has_ended_changes_nothing_and_leaves_no_entry(ledger: Ledger) -> None:
    job = queued(ledger)
    verbs.stop(ledger.rows(job)[0], by=by())
    assert verbs.stop(ledger.rows(job)[0], by=by()) is False
    assert Entry.objects.filter(event="stopped").count() == 1


def test_the_run_that_waited_behind_a_stopped_one_is_released(ledger: Ledger) -> None:
    job = queued(ledger, overlap="queue")
    ledger.tick("2026-03-01 11:00:01")
    verbs.stop(ledger.rows(job)[0], by=by())
    assert [row.held for row in ledger.rows(job)] == [False, False]
