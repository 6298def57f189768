"""A worker starts a run only after it has claimed it: once, in time, and if it is still wanted."""

from __future__ import annotations

from typing import Any

from audit.record import Actor
from executions.ledger import claims
from executions.models import Execution
from executions.tests.conftest import Ledger
from jobs import verbs
from jobs.models import Job
from jobs.tests.factories import make_job, moment


def queued(ledger: Ledger, **changes: Any) -> tuple[Job, Execution]:
    job = make_job(due="2026-03-01 10:00", **changes)
    ledger.tick("2026-03-01 10:00:01")
    return job, ledger.rows(job)[-1]


def test_a_claimed_run_is_running_with_worker_attempt_and_lease(ledger: Ledger) -> None:
    _, run = queued(ledger)
    (claim,) = ledger.claim(run, "2026-03-01 10:00:02")
    run.refresh_from_db()
    assert (run.state, run.worker, run.attempt, claim.attempt) == ("running", "worker-1", 1, 1)
    assert run.started_at == moment("2026-03-01 10:00:02")
    assert run.lease_until is not None
    assert run.lease_until > moment("2026-03-01 10:00:02")


def test_a_message_that_comes_twice_starts_nothing_twice(ledger: Ledger) -> None:
    _, run = queued(ledger)
    assert len(ledger.claim(run, "2026-03-01 10:00:02")) == 1
    assert ledger.claim(run, "2026-03-01 10:00:03", worker="worker-2") == []


def test_a_message_about_a_run_that_does_not_exist_does_nothing(ledger: Ledger) -> None:
    assert (
        claims.claim(["00000000-0000-4000-8000-000000000000"], "worker-1", moment("2026-03-01 10:00")) == []
    )


def test_many_runs_are_claimed_together_and_the_taken_ones_left_out(ledger: Ledger) -> None:
    runs = [queued(ledger, name=f"job {number}")[1] for number in range(5)]
    ledger.claim(runs[2], "2026-03-01 10:00:02", worker="worker-2")
    mine = claims.claim([str(run.uid) for run in runs], "worker-1", moment("2026-03-01 10:00:03"))
    assert {claim.pk for claim in mine} == {run.pk for run in runs if run is not runs[2]}


def test_a_run_that_waited_beyond_its_start_deadline_is_missed(ledger: Ledger) -> None:
    job, run = queued(ledger, start_deadline=60)
    assert ledger.claim(run, "2026-03-01 10:01:01") == []
    assert ledger.fates(job) == ["10:00 missed deadline"]


def test_a_run_of_a_job_that_was_paused_meanwhile_is_skipped(ledger: Ledger) -> None:
    job, run = queued(ledger)
    Job.objects.filter(pk=job.pk).update(next_run_at=moment("2099-01-01 00:00"))
    verbs.pause(job, by=Actor.system())
    assert ledger.claim(run, "2026-03-01 10:00:02") == []
    assert ledger.fates(job) == ["10:00 skipped paused"]


def test_a_run_of_a_job_that_was_deleted_meanwhile_is_skipped_and_kept(ledger: Ledger) -> None:
    job, run = queued(ledger)
    uid = job.uid
    verbs.delete(job, by=Actor.system())
    assert ledger.claim(run, "2026-03-01 10:00:02") == []
    kept = Execution.objects.get(job_uid=uid)
    assert (kept.state, kept.reason, kept.job_name) == ("skipped", "deleted", "hourly")


def test_a_run_does_what_the_job_said_at_its_due_time(ledger: Ledger) -> None:
    job, run = queued(ledger, metadata={"version": 1})
    Job.objects.filter(pk=job.pk).update(metadata={"version": 2})
    (claim,) = ledger.claim(run, "2026-03-01 10:00:02")
    assert claim.spec.metadata == {"version": 1}
    assert claim.spec.slot == moment("2026-03-01 10:00")


def test_a_run_gets_the_secrets_of_the_job_which_its_row_does_not_hold(ledger: Ledger) -> None:
    _, run = queued(ledger, secrets={"signing_key": "canary-4711"})
    (claim,) = ledger.claim(run, "2026-03-01 10:00:02")
    assert claim.spec.secrets == {"signing_key": "canary-4711"}
    assert "canary-4711" not in repr(Execution.objects.filter(pk=run.pk).values().get())
    assert "canary-4711" not in repr(claim.spec)
