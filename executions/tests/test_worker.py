"""A worker from the inside, with its real threads: runs are done, stopped, kept alive, and ended at shutdown."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.record import Actor
from executions.ledger import claims, outcomes, verbs
from executions.ledger.due.tick import tick
from executions.ledger.outcomes import Report
from executions.models import Execution
from executions.tests.conftest import Ledger
from executions.values import Claim
from executions.worker import leases, run_requests
from executions.worker import worker as workers
from executions.worker.worker import Worker
from jobs.models import Job
from jobs.runners import RUNNERS, Context, Outcome
from jobs.runners.python_class import PythonClassRunner
from jobs.runners.webhook import WebhookRunner
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)


class Waiting(WebhookRunner):
    """Waits until it is cancelled or its metadata says otherwise."""

    async def run(self, context: Context[asyncio.Event]) -> Outcome:
        context.log("begun\n")
        try:
            await asyncio.wait_for(context.cancelled.wait(), context.spec.metadata.get("seconds", 30))
        except TimeoutError:
            return Outcome("success", output="done")
        return Outcome("stopped", "cancelled")


class Counting(PythonClassRunner):
    """Blocks its thread until it is cancelled."""

    def run(self, context: Context[threading.Event]) -> Outcome:
        if context.spec.metadata.get("raise"):
            raise RuntimeError("a fault in the runner")
        cancelled = context.cancelled.wait(context.spec.metadata.get("seconds", 30))
        return Outcome("stopped" if cancelled else "success")


class Standing(PythonClassRunner):
    """Says in its log when it is to stand still, and when it goes on again, which ends it."""

    def run(self, context: Context[threading.Event]) -> Outcome:
        assert context.suspended is not None
        was_suspended = False
        while not context.cancelled.wait(0.02):
            if context.suspended.is_set() != was_suspended:
                was_suspended = not was_suspended
                context.log("still\n" if was_suspended else "on\n")
                if not was_suspended:
                    return Outcome("success")
        return Outcome("stopped")


@pytest.fixture
def worker(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setitem(RUNNERS, "webhook", Waiting())
    monkeypatch.setitem(RUNNERS, "python_class", Counting())
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    worker = Worker("worker-1", ["io"])
    yield worker
    worker.shut_down(0)


def queue(ledger: Ledger, **changes: Any) -> Execution:
    kind = changes.pop("kind", "webhook")
    job = make_job(**changes)
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(
        next_run_at=now.replace(minute=0, second=0, microsecond=0), kind=kind
    )
    tick(now, ledger.announce)
    return Execution.objects.get(job=job, state="queued")


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.02)


def state(run: Execution) -> str:
    return Execution.objects.values_list("state", flat=True).get(pk=run.pk)


def start(worker: Worker, *runs: Execution) -> None:
    """Gives the runs to the worker, and waits until they are under way."""
    worker.perform([str(run.uid) for run in runs])
    eventually(lambda: not worker._starting)


def test_a_waiting_kind_is_done_without_holding_the_thread_that_took_it(
    worker: Worker, ledger: Ledger
) -> None:
    runs = [queue(ledger, name=f"job {number}", metadata={"seconds": 0.2}) for number in range(20)]
    worker.perform([str(run.uid) for run in runs])
    eventually(lambda: all(state(run) == "success" for run in runs))
    assert "".join(chunk.text for chunk in runs[0].log.all()) == "begun\ndone"


def test_runs_of_code_begin_as_slots_become_free(worker: Worker, ledger: Ledger, settings: Settings) -> None:
    runs = [
        queue(ledger, name=f"job {number}", kind="python_class", metadata={"seconds": 0.3})
        for number in range(settings.WORKER_CODE_SLOTS + 2)
    ]
    message = threading.Thread(target=worker.perform, args=([str(run.uid) for run in runs], "code"))
    message.start()
    eventually(lambda: len(worker._runs) == settings.WORKER_CODE_SLOTS)
    assert sorted(map(state, runs)) == ["queued"] * 2 + ["running"] * settings.WORKER_CODE_SLOTS
    message.join()
    eventually(lambda: {state(run) for run in runs} == {"success"})


def test_what_waits_for_a_slot_when_its_worker_is_told_to_end_goes_back_to_the_queue(
    worker: Worker, ledger: Ledger, settings: Settings
) -> None:
    runs = [
        queue(ledger, name=f"job {number}", kind="python_class")
        for number in range(settings.WORKER_CODE_SLOTS + 1)
    ]
    ledger.announced.clear()
    message = threading.Thread(target=worker.perform, args=([str(run.uid) for run in runs], "code"))
    message.start()
    # One that is in a slot, but has not begun, goes back as well.
    eventually(
        lambda: sum(run.begun_at is not None for run in worker.active_runs()) == settings.WORKER_CODE_SLOTS
    )
    worker.shut_down(0)
    message.join(5)
    assert [row.uid for row in ledger.announced] == [runs[-1].uid]
    assert state(runs[-1]) == "queued"


@pytest.mark.parametrize("kind", ["webhook", "python_class"])
def test_a_run_that_is_stopped_by_hand_ends_soon(worker: Worker, ledger: Ledger, kind: str) -> None:
    run = queue(ledger, kind=kind)
    threading.Thread(target=worker.perform, args=([str(run.uid)],)).start()
    eventually(lambda: state(run) == "running")
    verbs.stop(run, by=Actor.system())
    eventually(lambda: state(run) == "stopped")


def test_a_run_of_code_hears_soon_that_it_is_to_stand_still_and_to_go_on(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNNERS, "python_class", Standing())
    run = queue(ledger, kind="python_class")
    start(worker, run)
    verbs.suspend(run, by=Actor.system())
    eventually(lambda: "still\n" in "".join(run.log.values_list("text", flat=True)))
    verbs.resume(run, by=Actor.system())
    eventually(lambda: state(run) == "success")
    assert "".join(run.log.values_list("text", flat=True)) == "still\non\n"


def test_a_suspended_run_is_stopped_all_the_same(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNNERS, "python_class", Standing())
    run = queue(ledger, kind="python_class")
    start(worker, run)
    verbs.suspend(run, by=Actor.system())
    eventually(lambda: run.log.exists())
    verbs.stop(run, by=Actor.system())
    eventually(lambda: state(run) == "stopped")


def test_a_suspended_run_is_not_let_go_on_in_order_to_be_stopped(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queue(ledger, kind="python_class")
    hear = run_requests.apply_requests
    monkeypatch.setattr(run_requests, "apply_requests", lambda hands: None)
    start(worker, run)
    (active,) = worker.active_runs()
    verbs.suspend(run, by=Actor.system())
    hear([active])
    verbs.stop(run, by=Actor.system())
    hear([active])
    assert active.suspended is not None
    assert (active.suspended.is_set(), active._limit.stands) == (True, False)
    eventually(lambda: state(run) == "stopped")


def test_an_attempt_that_was_given_up_does_not_stand_still_with_the_one_after_it(
    worker: Worker, ledger: Ledger
) -> None:
    run = queue(ledger, kind="python_class")
    start(worker, run)
    active = worker._runs[run.pk]
    Execution.objects.filter(pk=run.pk).update(attempt=2, suspended_at=timezone.now())
    run_requests.apply_requests(worker.active_runs())
    assert active.suspended is not None
    assert not active.suspended.is_set()


def test_a_run_whose_job_is_deleted_ends_soon(worker: Worker, ledger: Ledger) -> None:
    run = queue(ledger)
    start(worker, run)
    Execution.objects.filter(pk=run.pk).update(job=None)
    eventually(lambda: state(run) == "stopped")


def test_a_run_that_was_given_up_is_ended_here_as_well(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    run = queue(ledger)
    start(worker, run)
    Execution.objects.filter(pk=run.pk).update(state="lost")
    eventually(lambda: not worker._runs)
    assert state(run) == "lost"


def test_the_lease_of_a_long_run_is_renewed(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    run = queue(ledger)
    start(worker, run)
    first = Execution.objects.get(pk=run.pk).lease_until
    assert first is not None
    eventually(lambda: (Execution.objects.get(pk=run.pk).lease_until or first) > first)


def test_a_fault_in_a_runner_is_an_error_of_that_run(worker: Worker, ledger: Ledger) -> None:
    run = queue(ledger, kind="python_class", metadata={"raise": True})
    start(worker, run)
    eventually(lambda: state(run) == "error")
    assert "a fault in the runner" in Execution.objects.get(pk=run.pk).error


def test_a_run_that_cannot_be_started_is_an_error_and_takes_no_slot_along(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    runs = [queue(ledger, name=f"job {number}", kind="python_class") for number in range(3)]
    free = dict(worker._capacity._free)
    with monkeypatch.context() as patched:
        patched.setattr(worker._executors.threads, "submit", refuse)
        worker.perform([str(run.uid) for run in runs], "code")
        eventually(lambda: all(state(run) == "error" for run in runs))
    assert "can't start new thread" in Execution.objects.get(pk=runs[0].pk).error
    eventually(lambda: not worker._runs)
    assert worker._capacity._free == free


def test_a_kind_that_nobody_can_run_ends_as_an_error(worker: Worker, ledger: Ledger) -> None:
    run = queue(ledger, kind="script")
    start(worker, run)
    eventually(lambda: state(run) == "error")


def test_an_outcome_survives_a_database_that_is_away_for_a_while(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = outcomes.write, iter([True, True, False])

    def flaky(*args: object, **named: object) -> list[Claim]:
        if next(failures, False):
            raise OperationalError("the database system is shutting down")
        return real(*args, **named)  # type: ignore[arg-type]

    run = queue(ledger, metadata={"seconds": 0.05})
    monkeypatch.setattr(outcomes, "write", flaky)
    start(worker, run)
    eventually(lambda: state(run) == "success")


def test_an_outcome_that_no_database_takes_does_not_hold_up_the_others(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = outcomes.write

    def picky(reports: Sequence[Report], *args: object, **named: object) -> list[Claim]:
        for report in reports:
            if report.claim.spec.job_name == "bad" and getattr(report.what, "state", "") == "success":
                raise ValueError("cannot be stored")
        return real(reports, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(outcomes, "write", picky)
    bad = queue(ledger, name="bad", metadata={"seconds": 0.05})
    good = queue(ledger, name="good", metadata={"seconds": 0.05})
    start(worker, bad, good)
    eventually(lambda: (state(bad), state(good)) == ("error", "success"))


def test_at_shutdown_a_run_gets_its_grace(ledger: Ledger, worker: Worker) -> None:
    run = queue(ledger, metadata={"seconds": 0.3})
    start(worker, run)
    worker.shut_down(10)
    assert state(run) == "success"


def test_a_run_that_outlasts_the_grace_is_lost_and_says_why(ledger: Ledger, worker: Worker) -> None:
    run = queue(ledger)
    start(worker, run)
    worker.shut_down(0)
    row = Execution.objects.get(pk=run.pk)
    assert (row.state, row.reason) == ("lost", "shutdown")


def test_at_shutdown_a_run_that_is_safe_to_repeat_is_queued_again(ledger: Ledger, worker: Worker) -> None:
    run = queue(ledger, rerun_lost=True)
    start(worker, run)
    worker.shut_down(0)
    assert state(run) == "queued"


def test_the_late_end_of_an_attempt_that_was_given_up_does_not_take_the_next_one_out_of_hand(
    worker: Worker, ledger: Ledger
) -> None:
    run = queue(ledger)
    start(worker, run)
    first = worker._runs[run.pk]
    Execution.objects.filter(pk=run.pk).update(state="queued", busy=None, worker="", lease_until=None)
    start(worker, run)
    first.cancel()
    eventually(lambda: worker._writer._waiting.empty() and first.sink is not worker._runs[run.pk].sink)
    time.sleep(0.3)
    assert worker._runs[run.pk].claim.attempt == 2
    assert state(run) == "running"


def test_what_a_leaving_worker_finds_in_its_hands_goes_back_to_the_queue(
    ledger: Ledger, worker: Worker
) -> None:
    long, late = queue(ledger, name="long", metadata={"seconds": 0.5}), queue(ledger, name="late")
    start(worker, long)
    ledger.announced.clear()
    leaving = threading.Thread(target=worker.shut_down, args=(10,))
    leaving.start()
    eventually(lambda: worker._writer._leaving)
    worker.perform([str(late.uid)])
    leaving.join()
    assert [row.uid for row in ledger.announced] == [late.uid]
    assert [state(long), state(late)] == ["success", "queued"]


def test_a_claim_waits_for_a_database_that_is_away_for_a_while(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = claims.claim, iter([True, True, False])

    def flaky(*args: object) -> list[Claim]:
        if next(failures, False):
            raise OperationalError("the database system is starting up")
        return real(*args)  # type: ignore[arg-type]

    run = queue(ledger, metadata={"seconds": 0.05})
    monkeypatch.setattr(claims, "claim", flaky)
    start(worker, run)
    eventually(lambda: state(run) == "success")


def test_two_messages_about_the_same_run_start_it_once(worker: Worker, ledger: Ledger) -> None:
    run = queue(ledger)
    threads = [threading.Thread(target=worker.perform, args=([str(run.uid)],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: not worker._starting)
    assert Execution.objects.get(pk=run.pk).attempt == 1
