"""A worker that is told to end while the database is away does so in time, and loses nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django.fixtures import Settings

from executions.ledger import claims, outcomes
from executions.models import Execution, Heartbeat
from executions.monitoring import heartbeat
from executions.tests.conftest import Ledger
from executions.tests.test_worker import Counting, Waiting, eventually, queue, start, state
from executions.upkeep import reconcile
from executions.values import Claim
from executions.worker import worker as workers
from executions.worker.worker import Worker
from jobs.runners import RUNNERS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Worker]:
    monkeypatch.setitem(RUNNERS, "webhook", Waiting())
    monkeypatch.setitem(RUNNERS, "python_class", Counting())
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    settings.WORKER_ENDING_SECONDS = 2
    worker = Worker("worker-1", ["io"])
    yield worker
    worker.shut_down(0)


@pytest.fixture
def away(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """While it is set, the database refuses what the writer wants of it. No writer is left to the next test."""
    event = threading.Event()
    for module, name in ((claims, "claim"), (outcomes, "write")):
        real = getattr(module, name)

        def step(*args: object, real: object = real, **named: object) -> object:
            if event.is_set():
                raise OperationalError("could not connect to server")
            return real(*args, **named)  # type: ignore[operator]

        monkeypatch.setattr(module, name, step)
    yield event
    event.clear()
    worker.shut_down(0)
    worker._writer.join(20)


def leave(worker: Worker, grace: float = 0) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    worker.shut_down(grace)
    return time.monotonic() - began


def test_claims_that_the_database_does_not_answer_are_not_waited_for(
    worker: Worker, ledger: Ledger, away: threading.Event
) -> None:
    runs = [queue(ledger, name=f"job {number}") for number in range(3)]
    away.set()
    for run in runs:
        worker.perform([str(run.uid)], "io")
    assert leave(worker, grace=60) < 20
    assert {state(run) for run in runs} == {"queued"}


def test_what_comes_too_late_is_announced_to_others(
    worker: Worker, ledger: Ledger, away: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced = list[str]()
    monkeypatch.setattr(workers, "publish", lambda runs: announced.extend(str(run.uid) for run in runs))
    runs = [queue(ledger, name=f"job {number}") for number in range(2)]
    away.set()
    for run in runs:
        worker.perform([str(run.uid)], "io")
    leave(worker)
    assert sorted(announced) == sorted(str(run.uid) for run in runs)


def test_a_message_that_comes_after_the_worker_took_its_leave_is_announced_to_others_as_well(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced = list[str]()
    monkeypatch.setattr(workers, "publish", lambda runs: announced.extend(str(run.uid) for run in runs))
    run = queue(ledger)
    leave(worker)
    worker.perform([str(run.uid)], "io")
    assert announced == [str(run.uid)]


def test_all_of_it_takes_no_longer_than_the_settings_say(
    worker: Worker, ledger: Ledger, away: threading.Event
) -> None:
    run = queue(ledger)
    start(worker, run)
    away.set()
    assert leave(worker) < 3
    assert state(run) == "running"


def test_a_run_that_heeds_nothing_does_not_take_the_time_for_writing(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deaf(Counting):
        def run(self, context: object) -> object:  # type: ignore[override]
            time.sleep(4)
            return None

    monkeypatch.setitem(RUNNERS, "python_class", Deaf())
    run = queue(ledger, kind="python_class", stop_grace=600)
    start(worker, run)
    eventually(lambda: state(run) == "running")
    assert leave(worker) < 3


def test_what_could_not_be_written_is_lost_when_the_lease_is_over_and_known_as_such(
    worker: Worker, ledger: Ledger, away: threading.Event
) -> None:
    run = queue(ledger)
    start(worker, run)
    away.set()
    leave(worker)
    reconcile.lose_expired(timezone.now() + claims.LEASE * 2)
    assert state(run) == "lost"


def test_an_outcome_is_written_when_the_database_is_back_in_time(
    worker: Worker, ledger: Ledger, away: threading.Event, settings: Settings
) -> None:
    settings.WORKER_ENDING_SECONDS = 10
    run = queue(ledger, metadata={"seconds": 0.2})
    start(worker, run)
    away.set()
    leaving = threading.Thread(target=worker.shut_down, args=(1,))
    leaving.start()
    time.sleep(1.5)
    away.clear()
    leaving.join()
    assert state(run) == "success"


def test_a_run_that_is_being_claimed_at_this_moment_is_ended_and_written_like_the_others(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = claims.claim, threading.Event()

    def slow(*args: Any) -> list[Claim]:
        asked.set()
        time.sleep(0.5)
        return real(*args)

    monkeypatch.setattr(claims, "claim", slow)
    run = queue(ledger)
    worker.perform([str(run.uid)])
    asked.wait(10)
    worker.shut_down(1)
    row = Execution.objects.get(pk=run.pk)
    assert (row.state, row.reason) == ("lost", "shutdown")


def test_its_sign_of_life_goes_with_it(worker: Worker) -> None:
    eventually(lambda: Heartbeat.objects.filter(name="io worker-1").exists())
    worker.shut_down(0)
    assert not Heartbeat.objects.filter(name="io worker-1").exists()


def test_a_sign_of_life_that_cannot_be_taken_away_stops_nobody(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr(heartbeat, "leave", refuse)
    assert leave(worker) < 2
