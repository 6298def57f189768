"""Checks that this worker still receives messages: one whose consumer hangs looks healthy from everywhere else."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable

from executions.ledger.publish import BROKER_ERRORS, QUEUES, depth, of_queue
from executions.models import Execution
from scheduler_site.lib import clock

# A worker with nothing to do takes a message at once; so long it may take, whatever the machine is busy with.
DEAF = dt.timedelta(seconds=120)
EVERY = 15.0
STRIKES = 3


class Consumer:
    """Looks every few seconds; `end` is called when messages wait that an idle worker should have taken long ago."""

    def __init__(self, queues: Iterable[str], idle: Callable[[], bool], end: Callable[[str], object]) -> None:
        self._queues = [queue for queue in queues if queue in QUEUES]
        self._idle, self._end = idle, end
        self._heard_at = time.monotonic()
        self._strikes = 0

    def heard(self) -> None:
        """A message came."""
        self._heard_at = time.monotonic()
        self._strikes = 0

    def look(self) -> None:
        deaf = self._idle() and time.monotonic() - self._heard_at > DEAF.total_seconds()
        if not deaf or not any(self._waits(queue) for queue in self._queues):
            self._strikes = 0
            return
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._end("consumer")

    def _waits(self, queue: str) -> bool:
        """Whether a run was announced long ago, and its message is still there."""
        now = clock.now()
        announced = Execution.objects.startable(now).filter(of_queue(queue), published_at__lt=now - DEAF)
        try:
            return announced.exclude(job=None).exists() and depth(queue) > 0
        except BROKER_ERRORS:
            # Then nobody hears of anything, and a new start would help nobody.
            return False
