"""A process that is alive but does not get on is ended, so that its supervisor starts another."""

from __future__ import annotations

import datetime as dt
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from executions import beat
from executions.models import Execution
from executions.tests.conftest import Ledger
from executions.tests.test_worker import Counting, Waiting, eventually, queue, start, state
from executions.worker import consumer, watchdog
from executions.worker import worker as workers
from executions.worker.consumer import Consumer
from executions.worker.watchdog import STATUS, ThreadProgress, Watchdog
from executions.worker.worker import Worker
from jobs.runners import RUNNERS
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "POLL_SECONDS", 0.02)


def watched(*signs: ThreadProgress, seconds: float = 0.5) -> list[str]:
    """What a watchdog says of them within half a second."""
    ended, stopping = list[str](), threading.Event()
    dog = Watchdog(lambda: signs, stopping, ended.append)
    dog.start()
    dog.join(seconds)
    stopping.set()
    return ended


def test_a_thread_that_stands_still_ends_its_process() -> None:
    assert watched(ThreadProgress("tick", time.monotonic() - 400, 300.0)) == ["tick"]


def test_so_does_one_that_has_died() -> None:
    assert watched(ThreadProgress("announcer", math.inf, 300.0, alive=False)) == ["announcer"]


def test_one_that_gets_on_or_has_nothing_to_do_does_not() -> None:
    assert (
        watched(ThreadProgress("tick", time.monotonic(), 300.0), ThreadProgress("announcer", math.inf, 300.0))
        == []
    )


def test_a_process_that_was_frozen_has_a_moment_to_get_on() -> None:
    ended, stopping, signs = list[str](), threading.Event(), [ThreadProgress("tick", -math.inf, 300.0)]
    seen = threading.Event()

    def once_bad() -> list[ThreadProgress]:
        if seen.is_set():
            return [ThreadProgress("tick", time.monotonic(), 300.0)]
        seen.set()
        return signs

    dog = Watchdog(once_bad, stopping, ended.append)
    dog.start()
    dog.join(0.5)
    stopping.set()
    assert ended == []


def test_a_beat_shows_its_ticks_and_its_announcer(ledger: Ledger) -> None:
    announcer = beat.Announcer()
    announcer.start()
    eventually(lambda: announcer.progress_at == math.inf)
    assert announcer.is_alive()


# A consumer that hears nothing ---------------------------------------------------------------------------------------


def deaf(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, messages: int = 1) -> tuple[Consumer, list[str]]:
    """A worker that has heard nothing for minutes, while a run waits and so many messages are in the broker."""
    run = queue(ledger)
    Execution.objects.filter(pk=run.pk).update(published_at=clock.now() - dt.timedelta(minutes=5))
    monkeypatch.setattr(consumer, "depth", lambda queue: messages)
    ended: list[str] = []
    own = Consumer(["io", "system"], lambda: True, ended.append)
    own._heard_at -= 300
    return own, ended


def look(own: Consumer) -> None:
    for _ in range(consumer.STRIKES):
        own.look()


def test_an_idle_worker_that_does_not_take_a_message_is_ended(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, ended = deaf(ledger, monkeypatch)
    look(own)
    assert ended == ["consumer"]


def test_one_that_was_just_heard_of_is_not(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    own, ended = deaf(ledger, monkeypatch)
    own.heard()
    look(own)
    assert ended == []


def test_one_that_has_runs_in_hand_is_not(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    own, ended = deaf(ledger, monkeypatch)
    own._idle = lambda: False
    look(own)
    assert ended == []


def test_a_message_that_was_lost_is_the_reconcilers_business(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, ended = deaf(ledger, monkeypatch, messages=0)
    look(own)
    assert ended == []


def test_a_broker_that_is_away_ends_nobody(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    own, ended = deaf(ledger, monkeypatch)

    def away(queue: str) -> int:
        raise ConnectionError("refused")

    monkeypatch.setattr(consumer, "depth", away)
    look(own)
    assert ended == []


# Starts that fail ----------------------------------------------------------------------------------------------------


@pytest.fixture
def worker(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setitem(RUNNERS, "webhook", Waiting())
    monkeypatch.setitem(RUNNERS, "python_class", Counting())
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    worker = Worker("worker-1", ["io", "code"])
    yield worker
    worker.shut_down(0)


def test_a_run_that_was_queued_by_a_pool_which_then_failed_does_not_run_and_no_slot_is_gained(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a thread pool is at the limit of threads: it has queued the run already when it says so."""
    free, submit, ran = dict(worker._capacity._free), worker._executors.threads.submit, list[Any]()

    def queued_and_failed(*args: Any) -> None:
        ran.append(args)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(worker._executors.threads, "submit", queued_and_failed)
    run = queue(ledger, kind="python_class", metadata={"seconds": 0})
    worker.perform([str(run.uid)], "code")
    eventually(lambda: state(run) == "error")
    for args in ran:
        submit(*args).result(10)
    assert state(run) == "error"
    assert worker._capacity._free == free


def test_an_event_loop_that_could_not_be_started_is_made_anew(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queue(ledger, name="first"), queue(ledger, name="second", metadata={"seconds": 0.05})

    class Refused(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", Refused)
        start(worker, first)
        eventually(lambda: state(first) == "error")
    start(worker, second)
    eventually(lambda: state(second) == "success")


END = """
import django, logging
django.setup()
from executions.worker import watchdog
{before}
watchdog.end_process("tick")
"""


@pytest.mark.parametrize("before", ["", "watchdog.log.critical = None"], ids=["usual", "a log that fails"])
def test_the_process_ends_with_its_status_whatever_the_log_does(before: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", END.format(before=before)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "scheduler_site.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == STATUS
    assert before or "wedged" in done.stderr
