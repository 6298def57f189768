"""A worker whose runs are short has claimed the next ones already; what would wait there for long goes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.record import Actor
from executions.ledger import verbs
from executions.ledger.due.tick import tick
from executions.models import Execution
from executions.tests.conftest import Ledger
from executions.worker import pace
from executions.worker import worker as workers
from executions.worker.worker import Worker
from jobs.models import Job
from jobs.runners import RUNNERS, Context, Outcome
from jobs.runners.python_class import PythonClassRunner
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)


class Held(PythonClassRunner):
    """Ends at once, unless its metadata says that it waits to be let go."""

    gate = threading.Event()

    def run(self, context: Context[threading.Event]) -> Outcome:
        while context.spec.metadata.get("long") and not self.gate.wait(0.02):
            if context.cancelled.is_set():
                return Outcome("stopped")
        return Outcome("success")


@pytest.fixture
def worker(ledger: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    settings.WORKER_CODE_SLOTS = 1
    monkeypatch.setitem(RUNNERS, "python_class", Held())
    monkeypatch.setattr(workers, "PATIENCE", 60.0)
    monkeypatch.setattr(pace, "SHORT", 60.0)
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    Held.gate.clear()
    worker = Worker("worker-1", ["code"])
    yield worker
    Held.gate.set()
    worker.shut_down(0)


def queue(ledger: Ledger, name: str, **metadata: Any) -> Execution:
    job = make_job(name=name, metadata=metadata)
    now = timezone.now()
    due = now.replace(minute=0, second=0, microsecond=0)
    Job.objects.filter(pk=job.pk).update(next_run_at=due, kind="python_class")
    tick(now, ledger.announce)
    return Execution.objects.get(job=job, state="queued")


def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def row(run: Execution) -> Execution:
    return Execution.objects.get(pk=run.pk)


def ask(worker: Worker, *runs: Execution) -> None:
    message = threading.Thread(target=worker.perform, args=([str(run.uid) for run in runs], "code"))
    message.start()


def after_two_short_ones(worker: Worker, ledger: Ledger) -> None:
    """However slow the machine is."""
    for name in ("one", "two"):
        run = queue(ledger, name)
        ask(worker, run)
        eventually(lambda run=run: row(run).state == "success")  # type: ignore[misc]


def test_after_short_runs_the_next_one_is_in_hand_before_the_slot_is_free(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_two_short_ones(worker, ledger)
    long, following = queue(ledger, "long", long=True), queue(ledger, "following")
    ask(worker, long, following)
    eventually(lambda: row(following).state == "running")
    assert row(long).state == "running"
    Held.gate.set()
    eventually(lambda: {row(long).state, row(following).state} == {"success"})


def test_what_waits_behind_a_long_run_goes_back_to_the_queue_as_it_was(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_two_short_ones(worker, ledger)
    monkeypatch.setattr(workers, "PATIENCE", 0.1)
    long, following = queue(ledger, "long", long=True), queue(ledger, "following")
    ledger.announced.clear()
    ask(worker, long, following)
    eventually(lambda: [run.uid for run in ledger.announced] == [following.uid])
    back = row(following)
    told = (back.state, back.attempt, back.started_at, back.worker, back.lease_until, back.busy)
    assert told == ("queued", 0, None, "", None, None)
    # And as long as the long one goes on, nothing more is claimed.
    ask(worker, following)
    time.sleep(0.2)
    assert row(following).state == "queued"
    Held.gate.set()
    eventually(lambda: row(following).state == "success")
    assert row(following).attempt == 1


def test_what_is_stopped_while_it_waits_in_hand_never_begins(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_two_short_ones(worker, ledger)
    long, following = queue(ledger, "long", long=True), queue(ledger, "following", long=True)
    ask(worker, long, following)
    eventually(lambda: row(following).state == "running")
    verbs.stop(row(following), by=Actor.system())
    monkeypatch.setattr(workers, "PATIENCE", 0.0)
    eventually(lambda: row(following).state == "stopped")
    assert row(long).state == "running"


def test_a_worker_that_ends_gives_back_what_it_has_not_begun(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_two_short_ones(worker, ledger)
    long, following = queue(ledger, "long", long=True), queue(ledger, "following")
    ask(worker, long, following)
    eventually(lambda: row(following).state == "running")
    ledger.announced.clear()
    # Long enough for the worker to have in hand what it has claimed.
    worker.shut_down(0.5)
    assert [run.uid for run in ledger.announced] == [following.uid]
    assert (row(following).state, row(following).attempt) == ("queued", 0)
