"""The threads in which Celery takes messages: they are there before the system has none left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from celery.concurrency.thread import TaskPool

from executions import tasks
from scheduler_site.lib.exit_on_error import CANNOT_START


@pytest.fixture
def pool() -> Iterator[Any]:
    pool: Any = TaskPool(limit=4)
    yield pool
    pool.executor.shutdown()


def test_messages_are_taken_though_no_thread_can_be_started_any_more(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    tasks.start_threads(pool)
    monkeypatch.setattr(threading.Thread, "start", refused)
    together = threading.Barrier(4)
    taken = [pool.executor.submit(together.wait, 10) for _ in range(4)]
    assert sorted(one.result(10) for one in taken) == [0, 1, 2, 3]


def test_a_pool_without_threads_of_its_own_is_left_alone() -> None:
    tasks.start_threads(object())


def test_a_process_whose_worker_cannot_be_made_ends_instead_of_going_on_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(tasks, "Worker", no_thread)
    monkeypatch.setattr(tasks, "_worker", None)
    sender = Mock(pool=object())
    sender.app.amqp.queues.consume_from = {"io": None}
    with pytest.raises(SystemExit) as ended:
        tasks._begin(sender)
    assert ended.value.code == CANNOT_START
