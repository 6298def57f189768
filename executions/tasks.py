"""The Celery edge: what arrives in a message, handed on at once."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from celery import shared_task, signals
from celery.worker import state
from django.conf import settings

from executions import failpoints
from executions.bulk import apply
from executions.ledger import format_versions
from executions.monitoring import heartbeat
from executions.upkeep.prune import prune as prune_now
from executions.worker.drain import NOBODY, Host
from executions.worker.worker import Worker
from scheduler_site.lib.exit_on_error import exit_on_error
from scheduler_site.running import drain_status, gc_tuning

log = logging.getLogger("executions.tasks")

# Until a thread that was started runs.
START_SECONDS = 30.0

_worker: Worker | None = None
_lock = threading.Lock()


def worker(queues: tuple[str, ...] = (), host: Host = NOBODY) -> Worker:
    """The one of this process, made when it is first needed."""
    global _worker
    with _lock:
        if _worker is None:
            _worker = Worker(heartbeat.own_name(), queues, host)
        return _worker


@shared_task(name="executions.perform", bind=True)
def perform(self: Any, uids: list[str]) -> None:
    failpoints.reach("in message")
    version = (self.request.headers or {}).get("belfry", 1)
    if version > format_versions.MESSAGE:
        # For the workers of a later release: it is announced again, and comes to one of them.
        log.warning("message_is_newer", extra={"version": version})
        return
    worker().perform(uids, self.request.delivery_info["routing_key"])


@shared_task(name="executions.upkeep.prune")
def prune() -> None:
    prune_now()


@shared_task(name=apply.TASK)
def go_on(key: int) -> None:
    apply.turn(key)


@signals.worker_ready.connect
@exit_on_error
def _begin(sender: Any, **_: Any) -> None:
    start_threads(sender.pool)
    queues = tuple(sender.app.amqp.queues.consume_from)
    worker(queues, Host(partial(_listen, sender, queues), _leave))
    gc_tuning.settle()


def start_threads(pool: Any) -> None:
    """All threads of Celery's pool. It starts each when a message needs it, and ends the worker where none is to be had."""
    executor = getattr(pool, "executor", None)
    if isinstance(executor, ThreadPoolExecutor):
        together = threading.Barrier(pool.limit + 1)
        for _ in range(pool.limit):
            executor.submit(together.wait, START_SECONDS)
        together.wait(START_SECONDS)


def _listen(consumer: Any, queues: tuple[str, ...], on: bool) -> None:
    """In the thread of Celery's loop, to which the connection belongs."""
    switch = consumer.add_task_queue if on else consumer.cancel_task_queue
    for queue in queues:
        consumer.call_soon(switch, queue)


def _leave() -> None:
    """Ends this process in good order, with the status that says why."""
    celery: Any = state
    celery.should_stop = drain_status.STATUS
    _shut_down()


@signals.worker_shutting_down.connect
def _end(**_: Any) -> None:
    """Celery waits for its threads without a limit; the runs in them are given the grace of the settings."""
    _shut_down()


def _shut_down() -> None:
    if _worker is not None:
        threading.Thread(
            target=_worker.shut_down, args=(settings.WORKER_SHUTDOWN_SECONDS,), name="shut down"
        ).start()
