"""The end of a run is enforced from outside: whatever its thread waits for, it ends soon after its time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from executions.ledger import claims
from executions.models import Execution, ExecutionQuerySet, PendingAlert
from executions.tests.conftest import Ledger
from executions.tests.test_worker import Waiting, eventually, queue, start, state
from executions.upkeep import reconcile
from executions.worker import active_runs, leases, run_requests
from executions.worker import worker as workers
from executions.worker.worker import Worker
from jobs.runners import RUNNERS, Context, Outcome
from jobs.runners.python_class import PythonClassRunner

pytestmark = pytest.mark.django_db(transaction=True)


class Deaf(PythonClassRunner):
    """Hears no time limit and no stop, like a thread that waits for a process that never answers."""

    go_on = threading.Event()

    def run(self, context: Context[threading.Event]) -> Outcome:
        self.go_on.wait(20)
        return Outcome("success")


@pytest.fixture
def worker(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setitem(RUNNERS, "python_class", Deaf())
    monkeypatch.setitem(RUNNERS, "webhook", Waiting())
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(active_runs, "OVERDUE_SECONDS", 0.1)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    Deaf.go_on = threading.Event()
    worker = Worker("worker-1", ["code"])
    yield worker
    Deaf.go_on.set()
    worker.shut_down(0)


def begin(worker: Worker, ledger: Ledger, **changes: Any) -> Execution:
    run = queue(ledger, kind="python_class", timeout=1, stop_grace=0, **changes)
    start(worker, run)
    return run


def test_a_run_whose_thread_hangs_is_given_up_and_people_are_told_why(worker: Worker, ledger: Ledger) -> None:
    run = begin(worker, ledger)
    eventually(lambda: state(run) == "lost")
    assert Execution.objects.get(pk=run.pk).reason == "overdue"
    assert PendingAlert.objects.filter(execution_uid=run.uid).exists()


def test_what_it_says_later_is_refused(worker: Worker, ledger: Ledger) -> None:
    run = begin(worker, ledger)
    eventually(lambda: state(run) == "lost")
    free = worker._capacity._free["code"]
    Deaf.go_on.set()
    eventually(lambda: worker._capacity._free["code"] == free + 1 or not worker._runs)
    time.sleep(0.2)
    assert state(run) == "lost"


def test_even_when_nobody_writes_for_the_worker_its_lease_runs_out(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = worker._writer.report

    def report(claim: Any, what: Any, *why: Any) -> None:
        if what is not None:
            real(claim, what, *why)

    monkeypatch.setattr(worker._writer, "report", report)
    run = begin(worker, ledger)
    (active,) = worker.active_runs()
    eventually(lambda: active.overdue)

    def stands() -> bool:
        """No renewal is under way any more."""
        until = Execution.objects.get(pk=run.pk).lease_until
        time.sleep(0.5)
        return Execution.objects.get(pk=run.pk).lease_until == until

    eventually(stands)
    assert state(run) == "running"
    reconcile.lose_expired(timezone.now() + claims.LEASE)
    assert state(run) == "lost"


def test_the_time_in_which_it_is_suspended_does_not_count(worker: Worker, ledger: Ledger) -> None:
    run = begin(worker, ledger)
    (active,) = worker.active_runs()
    active.suspend(True)
    Execution.objects.filter(pk=run.pk).update(suspended_at=Execution.objects.get(pk=run.pk).started_at)
    time.sleep(1.5)
    assert (active.overdue, state(run)) == (False, "running")


def test_leases_are_renewed_while_everything_else_hangs(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a turn of the reconciler that waits for a broker, or a sign of life that waits for a row."""
    answer = threading.Event()
    monkeypatch.setattr(run_requests, "apply_requests", lambda hands: answer.wait(20))
    run = queue(ledger)
    start(worker, run)
    first = Execution.objects.get(pk=run.pk).lease_until
    assert first is not None
    eventually(lambda: (Execution.objects.get(pk=run.pk).lease_until or first) > first)
    answer.set()


def test_a_lease_that_somebody_kept_from_being_renewed_is_tried_again_at_once(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queue(ledger)
    start(worker, run)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 100.0)
    monkeypatch.setattr(worker._leases, "_next", 0.0)
    real, skipped = ExecutionQuerySet.locked_attempts, list[bool]()

    def locked_by_another(rows: ExecutionQuerySet, *, skip: bool = False) -> set[tuple[int, int]]:
        if skip and len(skipped) < 3:
            skipped.append(True)
            return set()
        return real(rows, skip=skip)

    monkeypatch.setattr(ExecutionQuerySet, "locked_attempts", locked_by_another)
    Execution.objects.filter(pk=run.pk).update(lease_until=None)
    worker._leases._next = 0.0
    eventually(lambda: Execution.objects.get(pk=run.pk).lease_until is not None)
    assert len(skipped) == 3


def test_a_row_that_somebody_has_locked_keeps_no_other_lease_from_being_renewed(
    worker: Worker, ledger: Ledger
) -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database locks no rows")
    locked, other = queue(ledger, name="locked"), queue(ledger, name="other")
    start(worker, locked, other)
    with transaction.atomic():
        Execution.objects.filter(pk=locked.pk).locked()
        first = Execution.objects.get(pk=other.pk).lease_until
        assert first is not None
        eventually(lambda: (Execution.objects.get(pk=other.pk).lease_until or first) > first)
    assert claims.LEASE.total_seconds() > leases.RENEW_SECONDS
