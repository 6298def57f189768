"""The Celery edge, and the sweep of a system worker: every few seconds it delivers alerts whose message was lost."""

from __future__ import annotations

import logging
import threading
from typing import Any

from celery import shared_task, signals
from django.db import close_old_connections, connection

from notifications.delivery.deliver import deliver as deliver_now
from notifications.delivery.deliver import deliver_due
from notifications.delivery.outbox import TASK
from scheduler_site.lib.exit_on_error import exit_on_error

log = logging.getLogger("notifications.tasks")

SWEEP_SECONDS = 5.0


@shared_task(name=TASK)
def deliver(uids: list[str]) -> None:
    deliver_now(uids)


class Sweep(threading.Thread):
    """Needs no broker: that it is away is one of the things that people must be told of."""

    def __init__(self) -> None:
        super().__init__(name="sweep", daemon=True)
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(SWEEP_SECONDS):
            try:
                close_old_connections()
                deliver_due()
            except Exception as error:
                # The database is away, or something nobody thought of: the next round may fare better.
                log.warning("sweep_failed", extra={"error": f"{type(error).__name__}: {error}"})
                connection.close()

    def stop(self) -> None:
        self._stopping.set()


_sweep: Sweep | None = None


@signals.worker_ready.connect
@exit_on_error
def _begin(sender: Any, **_: Any) -> None:
    global _sweep
    if "system" in sender.app.amqp.queues.consume_from:
        _sweep = Sweep()
        _sweep.start()


@signals.worker_shutting_down.connect
def _end(**_: Any) -> None:
    if _sweep is not None:
        _sweep.stop()
