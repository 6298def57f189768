"""The Celery edge of operations: the message that one waits, and the threads of a system worker."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

from celery import shared_task, signals
from django.conf import settings

from environments import available_backends
from environments.operations import cleanup
from environments.operations.publish import TASK
from environments.operations.worker import OperationWorker, Sweep
from scheduler_site.lib.exit_on_error import exit_on_error

_operator: OperationWorker | None = None
_sweeps: list[Sweep] = []


@shared_task(name=TASK)
def operate() -> None:
    if _operator is not None:
        _operator.look()


@signals.worker_ready.connect
@exit_on_error
def _begin(sender: Any, **_: Any) -> None:
    global _operator
    if "system" not in sender.app.amqp.queues.consume_from:
        return
    _operator = OperationWorker(f"{socket.gethostname()}:{os.getpid()}")
    # Looking what backends can do takes long where an address does not answer: in a thread of its own.
    for sweep in (Sweep(_operator.look, cleanup.tidy), Sweep(available_backends.refresh_when_due)):
        _sweeps.append(sweep)
        sweep.start()


@signals.worker_shutting_down.connect
def _end(**_: Any) -> None:
    for sweep in _sweeps:
        sweep.stop()
    if _operator is not None:
        grace = settings.WORKER_SHUTDOWN_SECONDS
        threading.Thread(target=_operator.shut_down, args=(grace,), name="end operations").start()
