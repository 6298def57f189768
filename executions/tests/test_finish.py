"""How an attempt ends: a final state, a wait for the next attempt, or a refusal because it came too late."""

from __future__ import annotations

from typing import Any

import pytest

from executions.ledger import outcomes
from executions.ledger.outcomes import Report
from executions.models import Execution, LogChunk
from executions.tests.conftest import WORKER, Ledger
from executions.values import Claim
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment


def started(ledger: Ledger, **changes: Any) -> tuple[Job, Claim]:
    job = make_job(due="2026-03-01 10:00", **changes)
    ledger.tick("2026-03-01 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[0], "2026-03-01 10:00:02")
    return job, claim


def finish(claim: Claim, outcome: Outcome, now: str = "2026-03-01 10:00:12", worker: str = WORKER) -> bool:
    return outcomes.write([Report(claim, outcome)], worker, moment(now)) == [claim]


@pytest.mark.parametrize("state", ["success", "failed", "timeout", "stopped", "error"])
def test_the_outcome_of_the_runner_becomes_the_state_of_the_run(ledger: Ledger, state: str) -> None:
    job, claim = started(ledger)
    finish(claim, Outcome(state, "why", response_status=500, exit_code=3))  # type: ignore[arg-type]
    (row,) = ledger.rows(job)
    assert (row.state, row.error, row.response_status, row.exit_code) == (state, "why", 500, 3)
    assert (row.finished_at, row.duration) == (moment("2026-03-01 10:00:12"), 10.0)
    assert (row.busy, row.lease_until) == (None, None)


def test_a_failed_attempt_waits_for_the_next_with_a_growing_delay(ledger: Ledger) -> None:
    job, claim = started(ledger, max_attempts=3, retry_delay=60)
    finish(claim, Outcome("failed", "boom"))
    (row,) = ledger.rows(job)
    assert (row.state, row.reason, row.error) == ("queued", "retrying", "boom")
    assert row.next_attempt_at is not None
    assert 60 <= (row.next_attempt_at - moment("2026-03-01 10:00:12")).total_seconds() <= 66
    assert ledger.claim(row, "2026-03-01 10:00:30") == []
    (second,) = ledger.claim(row, "2026-03-01 10:02:00")
    assert second.attempt == 2
    finish(second, Outcome("failed", "boom"), "2026-03-01 10:02:01")
    row.refresh_from_db()
    assert row.next_attempt_at is not None
    assert (row.next_attempt_at - moment("2026-03-01 10:02:01")).total_seconds() >= 120


def test_after_the_last_attempt_the_run_has_failed(ledger: Ledger) -> None:
    job, claim = started(ledger, max_attempts=2)
    finish(claim, Outcome("failed"))
    (second,) = ledger.claim(ledger.rows(job)[0], "2026-03-01 11:00:00")
    finish(second, Outcome("timeout"), "2026-03-01 11:00:05")
    (row,) = ledger.rows(job)
    assert (row.state, row.attempt) == ("timeout", 2)


def test_what_cannot_get_better_is_not_repeated(ledger: Ledger) -> None:
    job, claim = started(ledger, max_attempts=5)
    finish(claim, Outcome("failed", "Webhook returned status 404", retryable=False))
    assert ledger.fates(job) == ["10:00 failed"]


def test_a_stopped_run_is_not_repeated(ledger: Ledger) -> None:
    job, claim = started(ledger, max_attempts=5)
    finish(claim, Outcome("stopped"))
    assert ledger.fates(job) == ["10:00 stopped stopped"]


def test_the_outcome_of_an_earlier_attempt_is_refused(ledger: Ledger) -> None:
    job, claim = started(ledger, max_attempts=3)
    finish(claim, Outcome("failed"))
    ledger.claim(ledger.rows(job)[0], "2026-03-01 11:00:00")
    assert finish(claim, Outcome("success"), "2026-03-01 11:00:01") is False
    assert ledger.fates(job) == ["10:00 running"]


def test_the_outcome_of_a_worker_that_was_given_up_is_refused_with_its_output(ledger: Ledger) -> None:
    job, claim = started(ledger)
    Execution.objects.update(state="lost")
    assert finish(claim, Outcome("success", output="too late")) is False
    assert ledger.fates(job) == ["10:00 lost"]
    assert not LogChunk.objects.exists()


def test_an_outcome_is_written_once(ledger: Ledger) -> None:
    _, claim = started(ledger)
    assert finish(claim, Outcome("success")) is True
    assert finish(claim, Outcome("failed")) is False


def test_text_that_a_database_would_refuse_is_cleaned(ledger: Ledger) -> None:
    job, claim = started(ledger)
    finish(claim, Outcome("failed", "a\0b", output="x\0\ud800y", result='"\0"'))
    (row,) = ledger.rows(job)
    assert row.error == "ab"
    assert [chunk.text for chunk in row.log.all()] == ["x?y"]


def test_the_secrets_of_the_job_are_masked_wherever_a_run_may_repeat_them(ledger: Ledger) -> None:
    job, claim = started(ledger, secrets={"signing_key": "canary-4711"})
    outcomes.write([Report(claim, "key is canary-4711\n")], WORKER, moment("2026-03-01 10:00:03"))
    finish(claim, Outcome("failed", "bad canary-4711", output="end canary-4711", result='"canary-4711"'))
    (row,) = ledger.rows(job)
    seen = row.error + row.result + "".join(chunk.text for chunk in row.log.all())
    assert "canary-4711" not in seen
    assert seen.count("[secret]") == 4


def test_the_delay_of_an_outcome_is_drawn_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    _, claim = started(ledger, max_attempts=3)
    drawn = iter([1.05])  # a second one would raise StopIteration
    monkeypatch.setattr("random.uniform", lambda _low, _high: next(drawn))
    assert finish(claim, Outcome("failed"))
