"""The Celery edge: what arrives in a message, handed on at once."""

from __future__ import annotations

import logging
import threading
from typing import Any

from celery import shared_task, signals
from django.conf import settings

from executions import failpoints
from executions.ledger import formats
from executions.monitoring import heartbeat
from executions.upkeep.prune import prune as prune_now
from executions.worker.worker import Worker
from scheduler_site.running import gc_tuning

log = logging.getLogger("executions.tasks")

_crew: Worker | None = None
_lock = threading.Lock()


def crew(queues: tuple[str, ...] = ()) -> Worker:
    """The crew of this worker process, made when it is first needed."""
    global _crew
    with _lock:
        if _crew is None:
            _crew = Worker(heartbeat.own_name(), queues)
        return _crew


@shared_task(name="executions.perform", bind=True)
def perform(self: Any, uids: list[str]) -> None:
    failpoints.reach("in message")
    version = (self.request.headers or {}).get("belfry", 1)
    if version > formats.MESSAGE:
        # For the workers of a later release: it is announced again, and comes to one of them.
        log.warning("message_is_newer", extra={"version": version})
        return
    crew().perform(uids, self.request.delivery_info["routing_key"])


@shared_task(name="executions.upkeep.prune")
def prune() -> None:
    prune_now()


@signals.worker_ready.connect
def _begin(sender: Any, **_: Any) -> None:
    queues = tuple(sender.app.amqp.queues.consume_from)
    crew(queues)
    gc_tuning.settle()


@signals.worker_shutting_down.connect
def _end(**_: Any) -> None:
    """Celery waits for its threads without a limit; the runs in them are given the grace of the settings."""
    if _crew is not None:
        threading.Thread(
            target=_crew.shut_down, args=(settings.WORKER_SHUTDOWN_SECONDS,), name="shut down"
        ).start()
