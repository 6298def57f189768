"""What a worker does when the broker takes its connection or its channel away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from amqp.exceptions import ChannelError, PreconditionFailed
from celery.bootsteps import CLOSE, RUN  # type: ignore[attr-defined]
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


def test_a_channel_that_rabbitmq_closes_is_opened_anew() -> None:
    """RabbitMQ does so when a message has waited for `consumer_timeout` in a worker whose slots were all busy."""
    blueprint: Any = SimpleNamespace(state=RUN, begun=0)

    def start(_: Any) -> None:
        blueprint.begun += 1
        if blueprint.begun == 1:
            raise PreconditionFailed("delivery acknowledgement on channel 1 timed out")
        blueprint.state = CLOSE

    blueprint.start, blueprint.restart = start, lambda _: None
    consumer: Any = Consumer.__new__(Consumer)
    consumer.app, consumer.blueprint, consumer.hub, consumer.connection = app, blueprint, None, None
    consumer.restart_count, consumer.first_connection_attempt = 0, False
    consumer.connection_errors, consumer.channel_errors = (OSError,), (ChannelError,)
    consumer._restart_state = SimpleNamespace(step=lambda: None)
    consumer.conninfo = SimpleNamespace(as_uri=lambda: "amqp://")
    consumer.on_close = lambda: None
    consumer.start()
    assert blueprint.begun == 2
