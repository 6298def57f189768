"""A worker that hears nothing from the database for too long ends its runs itself: others may repeat them by then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from executions.ledger import claims
from executions.models import Execution, ExecutionQuerySet, Reason
from executions.tests.conftest import Ledger
from executions.tests.test_worker import Counting, Waiting, eventually, queue, start, state
from executions.upkeep import reconcile
from executions.worker import leases, run_requests
from executions.worker import worker as workers
from executions.worker.active_runs import ActiveRun
from executions.worker.leases import Leases
from executions.worker.worker import Worker
from jobs.runners import RUNNERS

pytestmark = pytest.mark.django_db(transaction=True)
OVER = settings.WORKER_ALONE_SECONDS + 1


@pytest.fixture
def worker(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setitem(RUNNERS, "webhook", Waiting())
    monkeypatch.setitem(RUNNERS, "python_class", Counting())
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    worker = Worker("worker-1", ["io"])
    yield worker
    worker.shut_down(0)


@pytest.fixture
def cut_off(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While it is set, the watch thread gets no answer."""
    event, renew = threading.Event(), worker._leases.renew

    def renew_or_fail(hands: list[ActiveRun]) -> bool:
        if event.is_set():
            raise OperationalError("could not connect to server")
        return renew(hands)

    monkeypatch.setattr(worker._leases, "renew", renew_or_fail)
    return event


def begin(worker: Worker, ledger: Ledger, **changes: object) -> Execution:
    run = queue(ledger, **changes)
    start(worker, run)
    return run


def pass_time(worker: Worker, run: Execution, seconds: float = OVER) -> None:
    """As if the last renewal were so long ago."""
    worker._runs[run.pk].leased_at -= seconds


@pytest.mark.parametrize("kind", ["webhook", "python_class"])
def test_a_run_that_could_not_be_renewed_for_so_long_is_ended(
    worker: Worker, ledger: Ledger, cut_off: threading.Event, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "executions")
    cut_off.set()
    run = begin(worker, ledger, kind=kind)
    pass_time(worker, run)
    eventually(lambda: state(run) == "lost")
    assert Execution.objects.get(pk=run.pk).reason == "lost"
    assert [record.__dict__["run"] for record in caplog.records if record.msg == "lease_over"] == [
        str(run.uid)
    ]


def test_only_the_runs_that_waited_that_long_themselves_are_ended(
    worker: Worker, ledger: Ledger, cut_off: threading.Event
) -> None:
    cut_off.set()
    first, second = begin(worker, ledger, name="first"), begin(worker, ledger, name="second")
    pass_time(worker, first)
    pass_time(worker, second, settings.WORKER_ALONE_SECONDS - 30)
    eventually(lambda: state(first) == "lost")
    time.sleep(0.2)
    assert state(second) == "running"


def test_a_renewal_counts_from_its_beginning(
    worker: Worker, ledger: Ledger, cut_off: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to a statement that hung says nothing about now."""
    real = ExecutionQuerySet.locked

    def slow(*args: Any, **kwargs: Any) -> list[int]:
        time.sleep(0.5)
        return real(*args, **kwargs)

    run = begin(worker, ledger)
    cut_off.set()
    time.sleep(0.3)
    began = time.monotonic()
    monkeypatch.setattr(ExecutionQuerySet, "locked", slow)
    Leases.renew(worker._leases, worker.active_runs())
    assert began <= worker._runs[run.pk].leased_at < began + 0.5


def test_a_run_goes_on_while_the_database_restarts(
    worker: Worker, ledger: Ledger, cut_off: threading.Event
) -> None:
    cut_off.set()
    run = begin(worker, ledger)
    pass_time(worker, run, 90)
    time.sleep(0.3)
    cut_off.clear()
    eventually(lambda: time.monotonic() - worker._runs[run.pk].leased_at < 1)
    assert state(run) == "running"


def test_a_renewed_run_goes_on(worker: Worker, ledger: Ledger) -> None:
    run = begin(worker, ledger)
    before = worker._runs[run.pk].leased_at
    eventually(lambda: worker._runs[run.pk].leased_at > before)
    assert state(run) == "running"


def test_the_guard_does_not_need_the_watch_which_may_hang_with_the_database(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    monkeypatch.setattr(run_requests, "apply_requests", lambda hands: answer.wait(20))
    monkeypatch.setattr(worker._leases, "renew", lambda hands: answer.wait(20))
    run = begin(worker, ledger)
    time.sleep(0.2)
    pass_time(worker, run)
    eventually(lambda: state(run) == "lost")
    answer.set()


def test_a_run_that_others_repeat_already_is_ended_and_changes_nothing(
    worker: Worker, ledger: Ledger, cut_off: threading.Event
) -> None:
    cut_off.set()
    run = begin(worker, ledger, rerun_lost=True)
    Execution.objects.filter(pk=run.pk).update(lease_until=timezone.now())
    reconcile.lose_expired(timezone.now())
    Execution.objects.filter(pk=run.pk).update(state="running", attempt=2, worker="worker-2")
    pass_time(worker, run)
    eventually(lambda: not worker._runs)
    row = Execution.objects.get(pk=run.pk)
    assert (row.state, row.attempt, row.worker) == ("running", 2, "worker-2")


def test_a_run_that_is_safe_to_repeat_is_queued_again_when_the_line_holds_by_then(
    worker: Worker, ledger: Ledger, cut_off: threading.Event
) -> None:
    cut_off.set()
    run = begin(worker, ledger, rerun_lost=True)
    pass_time(worker, run)
    eventually(lambda: state(run) == "queued")
    eventually(lambda: not worker._runs)


def test_the_next_attempt_does_not_run_beside_the_one_that_was_given_up(
    worker: Worker, ledger: Ledger, cut_off: threading.Event
) -> None:
    cut_off.set()
    run = begin(worker, ledger)
    first = worker._runs[run.pk]
    Execution.objects.filter(pk=run.pk).update(state="queued", busy=None, worker="", lease_until=None)
    start(worker, run)
    eventually(lambda: first.ended)
    assert worker._runs[run.pk].claim.attempt == 2
    assert state(run) == "running"


def test_an_outcome_that_came_before_the_end_is_not_taken_back(worker: Worker, ledger: Ledger) -> None:
    """A run that has ended by itself while it was being given up keeps what it came to, as long as nobody else has it."""
    run = begin(worker, ledger, metadata={"seconds": 0.3})
    worker._runs[run.pk].given_up = Reason.LOST
    eventually(lambda: state(run) == "success")


def test_a_claim_that_took_long_has_less_of_its_lease_left(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = claims._take

    def slow(*args: Any) -> list[Execution]:
        time.sleep(0.5)
        return real(*args)

    monkeypatch.setattr(claims, "_take", slow)
    monkeypatch.setattr(worker._leases, "renew", lambda hands: True)
    run = begin(worker, ledger)
    assert time.monotonic() - worker._runs[run.pk].leased_at >= 0.5
