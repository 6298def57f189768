"""The beat: `celery -A scheduler_site beat`. Start two for high availability; they need not know of each other.

Stock django-celery-beat keeps the system's own periodic tasks; jobs are not among them, they are read from the database
when they are due.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from executions import failpoints, heartbeat
from executions.models import Execution
from executions.publish import publish
from executions.reconcile import Turns, announce_retries
from executions.tick import next_due, tick
from jobs.timetable import TASK
from scheduler_site import clock, garbage

log = logging.getLogger("executions.beat")

LONGEST_SLEEP = 1.0
ERRORS = (DatabaseError, InterfaceError, OSError)


class Announcer(threading.Thread):
    """Publishes apart from the tick: a broker that hangs must not keep due times out of the ledger."""

    def __init__(self) -> None:
        super().__init__(name="announcer", daemon=True)
        # What does not fit is announced by the reconciler.
        self._waiting: queue.Queue[list[Execution]] = queue.Queue(maxsize=1000)

    def __call__(self, runs: list[Execution]) -> None:
        try:
            self._waiting.put_nowait(runs)
        except queue.Full:
            log.warning("announcer_full", extra={"runs": len(runs)})

    def run(self) -> None:
        while True:
            runs = self._waiting.get()
            try:
                close_old_connections()
                failpoints.reach("before publish")
                publish(runs)
            except ERRORS as error:
                log.warning("announce_failed", extra={"runs": len(runs), "error": str(error)})
                connection.close()


class Keeper(threading.Thread):
    """The beat's sign of life and its turn at reconciling, apart from the tick for the same reason."""

    def __init__(self) -> None:
        super().__init__(name="keeper", daemon=True)
        self._stopping = threading.Event()

    def run(self) -> None:
        turns = Turns()
        while not self._stopping.wait(1.0):
            try:
                close_old_connections()
                turns.take()
                announce_retries(clock.now())
            except ERRORS as error:
                log.warning("keeper_waits", extra={"error": str(error)})
                connection.close()
            except Exception:
                # Whatever is wrong with one row, all others need this thread.
                log.exception("keeper_failed")
                connection.close()

    def stop(self) -> None:
        self._stopping.set()


class JobScheduler(DatabaseScheduler):  # type: ignore[misc]
    """Ticks the jobs, then does what the stock scheduler does for the system's own tasks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.name = heartbeat.own_name()
        self.announcer = Announcer()
        self.keeper = Keeper()
        self._started = False
        super().__init__(*args, **kwargs)

    def enabled_models_qs(self) -> QuerySet[PeriodicTask]:
        """The system's own tasks; without the stock filter by hour, which loses some (its offsets are of one winter)."""
        own: QuerySet[PeriodicTask] = PeriodicTask.objects.filter(enabled=True).exclude(task=TASK)
        return own

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Seconds until the next call: until the next job is due, and at most one."""
        if not self._started:
            self.announcer.start()
            self.keeper.start()
            garbage.settle()
            self._started = True
        pause = self._tick_jobs()
        try:
            return min(pause, float(super().tick(*args, **kwargs)))
        except ERRORS as error:
            log.warning("system_tick_failed", extra={"error": str(error)})
            connection.close()
            return LONGEST_SLEEP

    def close(self) -> None:
        self.keeper.stop()
        try:
            heartbeat.leave(self.name, ["beat"])
        except ERRORS as error:
            log.warning("leave_failed", extra={"error": str(error)})
        super().close()

    def _tick_jobs(self) -> float:
        try:
            close_old_connections()
            heartbeat.beat(self.name, ["beat"])
            due = next_due()
            if due is not None and due <= clock.now():
                tick(clock.now(), self.announcer)
                due = next_due()
        except ERRORS as error:
            log.warning("tick_failed", extra={"error": str(error)})
            connection.close()
            return LONGEST_SLEEP
        if due is None:
            return LONGEST_SLEEP
        return min(max((due - clock.now()).total_seconds(), 0.0), LONGEST_SLEEP)
