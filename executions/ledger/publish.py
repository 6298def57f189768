"""Sends the messages that tell workers that runs are queued. A message is only a hint: it may be lost or sent twice.

The row is committed first. The reconciler sends again what could not be sent.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from amqp.exceptions import AMQPError, MessageNacked
from celery import current_app
from django.db import transaction
from django.db.models import Q
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from executions.ledger import format_versions
from executions.models import Execution, State
from jobs.runners import RUNNERS
from scheduler_site.lib import clock

log = logging.getLogger("executions.ledger.publish")

# A message costs more than a run in it. But what one carries is one worker's for a while, so runs of code, which take long,
# go together only where so many are due that all workers get some.
MOST_TOGETHER = {"io": 50, "code": 8}
LEAST_MESSAGES = {"io": 1, "code": 16}
QUEUES = ("io", "code")
# The queue of kinds that nobody knows.
UNKNOWN = "io"
BROKER_ERRORS = (OperationalError, RedisError, ConnectionError, OSError, AMQPError, MessageNacked)


def queue_of(kind: str) -> str:
    """The queue of a kind of job; unknown kinds go where they are refused without holding anybody up."""
    runner = RUNNERS.get(kind)
    return runner.pool if runner else UNKNOWN


def of_queue(queue: str) -> Q:
    """The runs of a queue, the other way round."""
    others = [kind for kind in RUNNERS if queue_of(kind) != queue]
    mine = [kind for kind in RUNNERS if queue_of(kind) == queue]
    return ~Q(kind__in=others) if queue == UNKNOWN else Q(kind__in=mine)


def publish(executions: Iterable[Execution]) -> bool:
    """Sends the ids of queued runs to their queues; false when the broker did not take them all."""
    by_queue: dict[str, list[str]] = defaultdict(list)
    for execution in executions:
        by_queue[queue_of(execution.kind)].append(str(execution.uid))
    sent = [_send(queue, uids) for queue, uids in by_queue.items()]
    return all(sent)


def per_message(queue: str, runs: int) -> int:
    """How many of so many runs go together."""
    return max(1, min(MOST_TOGETHER[queue], runs // LEAST_MESSAGES[queue]))


def _send(queue: str, uids: list[str]) -> bool:
    size = per_message(queue, len(uids))
    sent: list[str] = []
    try:
        with current_app.producer_or_acquire() as producer:
            for start in range(0, len(uids), size):
                part = uids[start : start + size]
                current_app.send_task(
                    "executions.perform",
                    args=[part],
                    queue=queue,
                    producer=producer,
                    retry=False,
                    # Not an argument: a release that does not know of it takes the message all the same.
                    headers={"belfry": format_versions.MESSAGE},
                )
                sent += part
    except BROKER_ERRORS as error:
        log.warning(
            "publish_failed", extra={"queue": queue, "runs": len(uids) - len(sent), "error": str(error)}
        )
    if sent:
        _note(sent)
    return len(sent) == len(uids)


@transaction.atomic
def _note(uids: list[str]) -> None:
    """What a worker has claimed by now needs no note, and must not be waited for."""
    keys = Execution.objects.filter(uid__in=uids, state=State.QUEUED).locked(skip=True)
    Execution.objects.filter(pk__in=keys).update(published_at=clock.now())


def depth(queue: str) -> int:
    """How many messages wait in a queue of the broker; raises a broker error when it does not answer."""
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        channel: Any = connection.channel()
        try:
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
        except connection.channel_errors:
            return 0
