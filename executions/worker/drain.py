"""How a worker drains: it claims nothing new, returns what it has not started, and exits after its last run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from executions.monitoring import drains
from executions.worker.capacity import Capacity

log = logging.getLogger("executions.worker.drain")


@dataclass(frozen=True)
class Host:
    """What the process around a worker does for it: to hear of new runs or not, and to end because it was drained."""

    listen: Callable[[bool], object]
    leave: Callable[[], object]


NOBODY = Host(lambda _on: None, lambda: None)


class Draining:
    """`look` is called every second. `is_empty`: nothing runs, is about to, or waits to be written; `republish` announces
    again what came too late."""

    def __init__(
        self,
        worker: str,
        capacity: Capacity,
        host: Host,
        is_empty: Callable[[], bool],
        republish: Callable[[], None],
    ) -> None:
        self._worker, self._capacity, self._host = worker, capacity, host
        self._is_empty, self._republish = is_empty, republish
        self.active = self.over = False

    def look(self) -> None:
        if self.over:
            return
        ordered = drains.is_ordered(self._worker)
        if ordered != self.active:
            self._begin() if ordered else self._go_on()
        if self.active:
            self._republish()
            if self._is_empty():
                self._end()

    def _begin(self) -> None:
        log.info("draining", extra={"worker": self._worker})
        self.active = True
        self._host.listen(False)
        self._capacity.close()

    def _go_on(self) -> None:
        log.info("drain_cancelled", extra={"worker": self._worker})
        self.active = False
        self._capacity.open()
        self._host.listen(True)

    def _end(self) -> None:
        if drains.ended(self._worker):
            self.over = True
            log.info("drained", extra={"worker": self._worker})
            self._host.leave()
