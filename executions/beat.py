"""The beat: `celery -A scheduler_site beat`. Start two for high availability; they need not know of each other.

Stock django-celery-beat keeps the system's own periodic tasks; jobs are not among them, they are read from the database
when they are due.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from typing import Any

from django.db import close_old_connections, connection
from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from executions import failpoints
from executions.ledger.due import inactive_periods, zone_change
from executions.ledger.due.tick import next_due, tick
from executions.ledger.limits import holds
from executions.ledger.publish import publish
from executions.models import Execution
from executions.monitoring import heartbeat
from executions.upkeep.reconcile import Turns, announce_retries
from executions.worker.beat_shutdown import ending
from executions.worker.loop import ERRORS, Loop
from executions.worker.watchdog import ThreadProgress, Watchdog
from jobs.models.stored_schedule import TASK
from scheduler_site.lib import clock
from scheduler_site.running import gc_tuning, pending_migrations

log = logging.getLogger("executions.beat")

LONGEST_SLEEP = 1.0
# Until a job that is due, but which somebody has locked, is asked for again.
LOCKED = 0.25
# Seconds after which a beat that does not get on is ended, to be started anew; a broker may hang for minutes.
LONGEST_TICK, LONGEST_ANNOUNCEMENT = 300.0, 900.0


class Announcer(threading.Thread):
    """Publishes apart from the tick: a broker that hangs must not keep due times out of the ledger."""

    def __init__(self) -> None:
        super().__init__(name="announcer", daemon=True)
        self.progress_at = time.monotonic()
        # What does not fit is announced by the reconciler.
        self._waiting: queue.Queue[list[Execution]] = queue.Queue(maxsize=1000)

    def __call__(self, runs: list[Execution]) -> None:
        try:
            self._waiting.put_nowait(runs)
        except queue.Full:
            log.warning("announcer_full", extra={"runs": len(runs)})

    def run(self) -> None:
        while True:
            self.progress_at = math.inf
            runs = self._waiting.get()
            self.progress_at = time.monotonic()
            try:
                close_old_connections()
                failpoints.reach("before publish")
                publish(runs)
            except Exception as error:
                # Whatever it is, what comes next is to be announced; the reconciler looks after these.
                log.warning("announce_failed", extra={"runs": len(runs), "error": repr(error)})
                connection.close()


def _settle() -> None:
    """Ends the holds that are over, and says what did not run meanwhile."""
    holds.end_due(clock.now())
    inactive_periods.settle()


class JobScheduler(DatabaseScheduler):  # type: ignore[misc]
    """Ticks the jobs, then does what the stock scheduler does for the system's own tasks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.name = heartbeat.own_name()
        self.announcer = Announcer()
        self._stopping = threading.Event()
        self._started = self._knows_zones = False
        pending_migrations.wait()
        self._ticked_at = time.monotonic()
        super().__init__(*args, **kwargs)

    def enabled_models_qs(self) -> QuerySet[PeriodicTask]:
        """The system's own tasks; without the stock filter by hour, which loses some (its offsets are of one winter)."""
        own: QuerySet[PeriodicTask] = PeriodicTask.objects.filter(enabled=True).exclude(task=TASK)
        return own

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Seconds until the next call: until the next job is due, and at most one."""
        with ending.step():
            return self._tick_all(*args, **kwargs)

    def _tick_all(self, *args: Any, **kwargs: Any) -> float:
        if not self._started:
            self._begin()
        pause = self._tick_jobs()
        self._ticked_at = time.monotonic()
        try:
            return min(pause, float(super().tick(*args, **kwargs)))
        except Exception as error:
            # The system's own tasks can wait; jobs cannot, and this loop serves both.
            log.warning("system_tick_failed", extra={"error": repr(error)})
            connection.close()
            return LONGEST_SLEEP

    def _do_sync(self) -> None:
        with ending.step():
            super()._do_sync()

    def _begin(self) -> None:
        """What may hang with the broker, or take long, has threads of its own."""
        turns = Turns()
        self.announcer.start()
        Loop("keeper", turns.take, self._stopping, 1.0).start()
        Loop("retries", lambda: announce_retries(clock.now()), self._stopping, 1.0).start()
        Watchdog(self._signs, self._stopping).start()
        Loop("stretches", _settle, self._stopping, 2.0).start()
        Loop("zones", zone_change.look, self._stopping, 30.0).start()
        gc_tuning.settle()
        self._started = True

    def _signs(self) -> list[ThreadProgress]:
        """Of the tick, and of what announces. Each attempt at a database or a broker that hangs is over in half a minute."""
        return [
            ThreadProgress("tick", self._ticked_at, LONGEST_TICK),
            ThreadProgress(
                "announcer", self.announcer.progress_at, LONGEST_ANNOUNCEMENT, self.announcer.is_alive()
            ),
        ]

    def close(self) -> None:
        self._stopping.set()
        try:
            heartbeat.leave(self.name, ["beat"])
        except ERRORS as error:
            log.warning("leave_failed", extra={"error": str(error)})
        super().close()

    def _tick_jobs(self) -> float:
        try:
            close_old_connections()
            heartbeat.beat(self.name, ["beat"])
            if not self._knows_zones:
                zone_change.learn()
                self._knows_zones = True
            due = next_due()
            if due is not None and due <= clock.now():
                failpoints.reach("in tick")
                if not tick(clock.now(), self.announcer):
                    # Another beat, or a person, has the job locked.
                    return LOCKED
                due = next_due()
        except ERRORS as error:
            log.warning("tick_failed", extra={"error": str(error)})
            connection.close()
            return LONGEST_SLEEP
        if due is None:
            return LONGEST_SLEEP
        return min(max((due - clock.now()).total_seconds(), 0.0), LONGEST_SLEEP)
