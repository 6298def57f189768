"""A row that was damaged by hand is an error of its own; everything else goes on."""

from __future__ import annotations

from typing import Any

import pytest

from executions.ledger import claims
from executions.models import Execution
from executions.tests.conftest import Ledger
from executions.upkeep import reconcile
from jobs.models import Job
from jobs.tests.factories import make_job, moment

DAMAGED: list[Any] = [{}, [1], "text", {"options": []}]


def two_queued(ledger: Ledger) -> tuple[Job, Job]:
    jobs = tuple(make_job(due="2026-03-01 10:00", name=name) for name in ("good", "damaged"))
    ledger.tick("2026-03-01 10:00:01")
    return jobs[0], jobs[1]


def test_a_job_with_damaged_options_is_quarantined_and_the_others_run(ledger: Ledger) -> None:
    good, bad = (make_job(due="2026-03-01 10:00", name=name) for name in ("good", "damaged"))
    Job.objects.filter(pk=bad.pk).update(options="text")
    ledger.tick("2026-03-01 10:00:01")
    bad.refresh_from_db()
    assert ledger.fates(good) == ["10:00 queued"]
    assert bad.quarantine_reason
    assert bad.next_run_at is None


@pytest.mark.parametrize(
    "segments", [[{"x": 1}], [{"first": "yesterday"}], [{"first": 1}], [["first"]], {"first": 1}, "text", 7]
)
def test_a_job_whose_earlier_due_times_cannot_be_read_is_quarantined_and_the_others_run(
    ledger: Ledger, segments: Any
) -> None:
    good, bad = (make_job(due="2026-03-01 10:00", name=name) for name in ("good", "damaged"))
    Job.objects.filter(pk=bad.pk).update(pending_segments=segments)
    ledger.tick("2026-03-01 10:00:01")
    bad.refresh_from_db()
    assert ledger.fates(good) == ["10:00 queued"]
    assert bad.quarantine_reason
    assert bad.next_run_at is None


@pytest.mark.parametrize("definition", DAMAGED)
def test_a_damaged_run_does_not_take_the_others_of_its_message_along(ledger: Ledger, definition: Any) -> None:
    good, bad = two_queued(ledger)
    Execution.objects.filter(job=bad).update(definition=definition)
    uids = [str(run.uid) for run in ledger.announced]
    mine = claims.claim(uids, "worker-1", moment("2026-03-01 10:00:02"))
    assert [claim.spec.job_name for claim in mine] == ["good"]
    assert ledger.fates(good) == ["10:00 running"]
    assert ledger.fates(bad) == ["10:00 error unstartable"]


@pytest.mark.parametrize("definition", DAMAGED)
def test_a_damaged_run_that_was_lost_does_not_stop_the_reconciler(ledger: Ledger, definition: Any) -> None:
    good, bad = two_queued(ledger)
    Execution.objects.update(state="running", lease_until=None, attempt=1)
    Execution.objects.filter(job=bad).update(definition=definition)
    reconcile.reconcile(moment("2026-03-01 10:02"))
    assert ledger.fates(good) == ledger.fates(bad) == ["10:00 lost lost"]
