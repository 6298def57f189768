"""After a lost connection to the broker, the threads that run jobs keep their hands off the consumer's channel."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer
from kombu.common import QoS

from scheduler_site.celery import app


def test_an_acknowledgement_after_a_reconnection_sends_nothing_else() -> None:
    """Celery calls this in the thread of the task; a request to RabbitMQ from there takes replies from the main thread."""
    sent: list[int] = []
    consumer: Any = Consumer.__new__(Consumer)
    consumer.app, consumer.prefetch_multiplier = app, 1
    consumer.pool = type("Pool", (), {"num_processes": 8})()
    consumer.qos = QoS(lambda prefetch_count: sent.append(prefetch_count), 1)
    consumer._maximum_prefetch_restored = False
    consumer._restore_prefetch_count_after_connection_restart(None)
    assert sent == []
