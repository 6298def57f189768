"""A worker that is drained takes nothing new, hands back what it has not begun, and ends after its last run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.models import Entry
from audit.record import Actor
from executions.models import Drain, Heartbeat
from executions.monitoring import drains, health, heartbeat
from executions.tests.conftest import Ledger
from executions.tests.test_worker import Counting, Waiting, eventually, queue, start, state
from executions.worker import worker as workers
from executions.worker.drain import Host
from executions.worker.worker import Worker
from jobs.runners import RUNNERS
from jobs.verbs import Refused
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "host-1:17-abcd"


@dataclass
class Process:
    """What happens around the worker."""

    heard: list[bool] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def worker(ledger: Ledger, process: Process, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setitem(RUNNERS, "webhook", Waiting())
    monkeypatch.setitem(RUNNERS, "python_class", Counting())
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(heartbeat, "_last", {})
    worker = Worker(NAME, ["io"], Host(process.heard.append, process.left.set))
    eventually(lambda: Heartbeat.objects.filter(role="io").exists())
    yield worker
    worker.shut_down(0)


def drain(target: str = NAME) -> list[Drain]:
    return drains.order(drains.matching(target, clock.now()), by=Actor.system(), reason="new kernel")


def test_it_takes_nothing_new_and_ends_when_its_run_has_ended(
    worker: Worker, ledger: Ledger, process: Process
) -> None:
    run, later = queue(ledger, metadata={"seconds": 1}), queue(ledger, name="later")
    start(worker, run)
    drain()
    eventually(lambda: process.heard == [False])
    ledger.announced.clear()
    worker.perform([str(later.uid)])
    eventually(lambda: [one.pk for one in ledger.announced] == [later.pk])
    assert (state(run), state(later), process.left.is_set()) == ("running", "queued", False)
    eventually(process.left.is_set)
    assert (state(run), state(later)) == ("success", "queued")
    assert Drain.objects.get().ended_at is not None


def test_what_waits_for_a_slot_in_it_goes_back_at_once(
    worker: Worker, ledger: Ledger, settings: Settings
) -> None:
    runs = [
        queue(ledger, name=f"job {number}", kind="python_class")
        for number in range(settings.WORKER_CODE_SLOTS + 1)
    ]
    message = threading.Thread(target=worker.perform, args=([str(run.uid) for run in runs], "code"))
    message.start()
    eventually(lambda: len(worker._runs) == settings.WORKER_CODE_SLOTS)
    ledger.announced.clear()
    drain()
    message.join(10)
    eventually(lambda: [state(run) for run in ledger.announced] == ["queued"])


def test_an_idle_worker_ends_at_once(worker: Worker, process: Process) -> None:
    drain()
    eventually(process.left.is_set)


def test_a_drain_that_is_taken_back_in_time_lets_the_worker_go_on(
    worker: Worker, ledger: Ledger, process: Process
) -> None:
    run, later = queue(ledger), queue(ledger, name="later", metadata={"seconds": 0.1})
    start(worker, run)
    drain()
    eventually(lambda: process.heard == [False])
    assert drains.cancel(Drain.objects.all(), by=Actor.system()) == 1
    eventually(lambda: process.heard == [False, True])
    start(worker, later)
    eventually(lambda: state(later) == "success")
    assert not process.left.is_set()


def test_a_host_and_all_workers_of_jobs_can_be_named(worker: Worker) -> None:
    heartbeat.beat("host-2:1-ffff", ["system"])
    assert [one.worker for one in drain("host-1")] == [NAME]
    assert drain("host-1") == []
    assert [one.name for one in drains.of_jobs(clock.now())] == [NAME]
    with pytest.raises(Refused, match="nowhere"):
        drain("nowhere")


def test_orders_are_in_the_trail(worker: Worker) -> None:
    drain()
    drains.cancel(Drain.objects.all(), by=Actor.system())
    entries = Entry.objects.filter(object_type="drain").order_by("id")
    assert list(entries.values_list("event", "object_name", "description")) == [
        ("paused", NAME, "new kernel"),
        ("resumed", NAME, ""),
    ]


def test_its_state_is_shown_until_it_is_taken_back(worker: Worker, ledger: Ledger, process: Process) -> None:
    run = queue(ledger, metadata={"seconds": 0.5})
    start(worker, run)
    drain()

    def states() -> list[tuple[str, str, int]]:
        return [(one.name, one.state, one.runs) for one in drains.workers(clock.now())]

    assert states() == [(NAME, "draining", 1)]
    eventually(process.left.is_set)
    worker.shut_down(0)
    assert states() == [(NAME, "drained", 0)]


def test_that_all_workers_of_a_queue_are_drained_is_told_and_not_taken_for_a_fault(
    worker: Worker, process: Process
) -> None:
    drain()
    eventually(process.left.is_set)
    worker.shut_down(0)
    (check,) = [check for check in health.report().checks if check.name == "worker io"]
    assert (check.ok, check.advice, check.detail) == (False, True, "drained")


def test_no_worker_is_started_in_its_place_until_the_order_is_taken_back(worker: Worker) -> None:
    drain()
    assert drains.stay_away("abcd")
    assert not drains.stay_away("ab00")
    drains.cancel(Drain.objects.all(), by=Actor.system())
    assert not drains.stay_away("abcd")


def test_the_order_to_a_worker_that_has_died_is_forgotten_after_a_while(db: None) -> None:
    now = timezone.now()
    Drain.objects.create(worker=NAME, roles="io", at=now - 2 * heartbeat.GONE, by_name="x")
    Drain.objects.create(worker="other", roles="io", at=now, by_name="x")
    drains.forget_gone(now)
    assert [row.worker for row in Drain.objects.all()] == ["other"]
