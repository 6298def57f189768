"""What becomes of a due time while an earlier run goes on."""

from __future__ import annotations

from typing import Any

import pytest

from executions.ledger import format_versions, outcomes
from executions.ledger.outcomes import Report
from executions.models import Execution
from executions.tests.conftest import WORKER, Ledger
from executions.values import Claim
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment


def running_job(ledger: Ledger, overlap: str, **changes: Any) -> tuple[Job, Claim]:
    """A job whose run of 10:00 goes on at 11:00."""
    job = make_job(due="2026-03-01 10:00", overlap=overlap, **changes)
    ledger.tick("2026-03-01 10:00:01")
    (claim,) = ledger.claim(ledger.announced[0], "2026-03-01 10:00:02")
    ledger.announced.clear()
    return job, claim


def test_skip_records_the_due_time_with_the_run_that_was_in_the_way(ledger: Ledger) -> None:
    job, claim = running_job(ledger, "skip")
    ledger.tick("2026-03-01 11:00:01")
    assert ledger.fates(job) == ["10:00 running", "11:00 skipped overlap"]
    assert ledger.rows(job)[1].blocked_by_id == claim.pk
    assert ledger.announced == []


def test_queue_holds_the_run_until_the_earlier_one_has_ended(ledger: Ledger) -> None:
    job, claim = running_job(ledger, "queue")
    ledger.tick("2026-03-01 11:00:01")
    second = ledger.rows(job)[1]
    assert (second.state, second.held) == ("queued", True)
    assert ledger.claim(second, "2026-03-01 11:00:02") == []
    outcomes.write([Report(claim, Outcome("success"))], WORKER, moment("2026-03-01 11:00:05"))
    second.refresh_from_db()
    assert second.held is False


@pytest.mark.django_db(transaction=True)
def test_queue_announces_the_next_run_when_the_earlier_one_ends(ledger: Ledger) -> None:
    job, claim = running_job(ledger, "queue")
    ledger.tick("2026-03-01 11:00:01")
    outcomes.write([Report(claim, Outcome("failed"))], WORKER, moment("2026-03-01 11:00:05"))
    assert [run.due_at for run in ledger.announced] == [moment("2026-03-01 11:00")]
    assert len(ledger.claim(ledger.rows(job)[1], "2026-03-01 11:00:06")) == 1


def test_replace_asks_the_earlier_run_to_stop_and_holds_the_new_one(ledger: Ledger) -> None:
    job, claim = running_job(ledger, "replace")
    ledger.tick("2026-03-01 11:00:01")
    first, second = ledger.rows(job)
    assert (first.stop_reason, first.stop_requested_at) == ("replaced", moment("2026-03-01 11:00:01"))
    assert second.held is True
    outcomes.write([Report(claim, Outcome("stopped"))], WORKER, moment("2026-03-01 11:00:05"))
    assert ledger.fates(job) == ["10:00 stopped replaced", "11:00 queued"]


def test_replace_takes_the_place_of_a_run_that_has_not_started(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", overlap="replace")
    ledger.tick("2026-03-01 10:00:01")
    ledger.tick("2026-03-01 11:00:01")
    assert ledger.fates(job)[0] == "10:00 skipped replaced"


def test_allow_lets_both_run(ledger: Ledger) -> None:
    job, _ = running_job(ledger, "allow")
    ledger.tick("2026-03-01 11:00:01")
    assert len(ledger.claim(ledger.rows(job)[1], "2026-03-01 11:00:02")) == 1
    assert ledger.fates(job) == ["10:00 running", "11:00 running"]


def test_of_a_job_that_must_not_overlap_a_second_run_cannot_be_claimed(ledger: Ledger) -> None:
    job, _ = running_job(ledger, "skip")
    # Whatever the reason: two rows are queued, and not held, at once.
    ledger.tick("2026-03-01 11:00:01")
    Execution.objects.filter(job=job, state="skipped").update(
        state="queued", held=False, definition=format_versions.stamped({})
    )
    assert ledger.claim(ledger.rows(job)[1], "2026-03-01 11:00:02") == []
    assert [row.state for row in ledger.rows(job)] == ["running", "queued"]


def test_a_catch_up_of_all_runs_one_after_the_other_though_the_job_skips_overlaps(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 08:00", overlap="skip", catch_up="all", start_deadline=86400)
    ledger.tick("2026-03-01 10:10")
    assert ledger.fates(job) == ["08:00 queued", "09:00 queued", "10:00 queued"]
    assert [row.held for row in ledger.rows(job)] == [False, True, True]
    order = []
    for minute in range(11, 14):
        run = next(row for row in ledger.rows(job) if row.state == "queued" and not row.held)
        (claim,) = ledger.claim(run, f"2026-03-01 10:{minute}")
        order.append(f"{run.due_at:%H:%M}")
        outcomes.write([Report(claim, Outcome("success"))], WORKER, moment(f"2026-03-01 10:{minute}:30"))
    assert order == ["08:00", "09:00", "10:00"]


@pytest.mark.django_db(transaction=True)
def test_a_run_that_may_not_start_any_more_lets_the_next_one_go_at_once(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", overlap="queue", start_deadline=3600)
    ledger.tick("2026-03-01 10:00:01")
    ledger.tick("2026-03-01 11:00:01")
    first, second = ledger.rows(job)
    assert ledger.claim(first, "2026-03-01 11:00:02") == []
    assert ledger.fates(job)[0] == "10:00 missed deadline"
    assert ledger.announced[-1].pk == second.pk
    assert len(ledger.claim(second, "2026-03-01 11:00:03")) == 1
