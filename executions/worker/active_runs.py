"""An active run of a worker, and the watchdog that cancels a run whose lease cannot be renewed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from executions.models import Reason
from executions.values import Claim
from executions.worker.output import OutputWriter
from jobs.children.deadline import Deadline

log = logging.getLogger("executions.worker.active_runs")

# Seconds after timeout and grace within which a run has ended, unless its own thread hangs.
OVERDUE_SECONDS = 30.0


@dataclass
class ActiveRun:
    """A run that this worker has claimed and that has not ended, and how to tell it to end."""

    claim: Claim
    # Where it has its slot.
    pool: str
    cancel: Callable[[], None]
    sink: OutputWriter
    # By time.monotonic(): when its lease was renewed last.
    leased_at: float
    # Why the worker itself ended it.
    given_up: Reason | None = None
    # Nothing runs any more; its end waits to be written.
    ended: bool = False
    # Of code: set while the run is to stand still.
    suspended: threading.Event | None = None
    # It went on long after its time limit, and was given up: its lease is not renewed any more.
    overdue: bool = False

    # It never began, and never will.
    withdrawn: bool = False

    # By time.monotonic(); none while it waits for its slot.
    begun_at: float | None = None

    def __post_init__(self) -> None:
        self._begun = False
        self._since = time.monotonic()
        self._door = threading.Lock()
        self._limit = Deadline(self.claim.spec.timeout + self.claim.spec.stop_grace + OVERDUE_SECONDS)

    def begin(self) -> bool:
        """Called where it is to run: false when it was withdrawn before."""
        with self._door:
            self._begun = not self.withdrawn
            self.begun_at = time.monotonic()
            return self._begun

    def withdraw(self) -> bool:
        """Keeps it from beginning; false when it has begun."""
        with self._door:
            if not self._begun:
                self.withdrawn = self.ended = True
            return self.withdrawn

    def waits_since(self) -> float | None:
        """By time.monotonic(): since when it waits for its slot, where it does."""
        return None if self._begun or self.withdrawn else self._since

    def give_up(self, why: Reason) -> None:
        self.given_up = why
        self.cancel()

    def stop(self) -> None:
        """Somebody asked for its end. Where it stands still it is not let go on for that, but its time limit counts again."""
        self.cancel()
        self._limit.stand(still=False)

    def suspend(self, still: bool) -> None:
        """Lets it stand still, or go on; said again and again while it lasts."""
        if self.suspended is not None and still != self.suspended.is_set():
            self.suspended.set() if still else self.suspended.clear()
            self._limit.stand(still=still)

    def check_lease(self, now: float) -> None:
        """Ends the run when its lease was not renewed for WORKER_ALONE_SECONDS.

        Others may have counted it as lost since the lease ran out. But nobody can know whether the database is away for
        all, and then nothing is lost: a restart of the database must not end everything that runs.
        """
        unrenewed = now - self.leased_at
        if unrenewed > settings.WORKER_ALONE_SECONDS and not (self.ended or self.given_up):
            about = {"run": self.claim.uid, "job": self.claim.spec.job_name, "attempt": self.claim.attempt}
            log.warning("lease_over", extra=about | {"unrenewed": round(unrenewed)})
            self.give_up(Reason.LOST)

    def is_newly_overdue(self) -> bool:
        """Whether it goes on long after its time limit, which its own thread should have enforced; true once."""
        if self.ended or self.overdue or not self._limit.is_over:
            return False
        self.overdue = True
        about = {"run": self.claim.uid, "job": self.claim.spec.job_name, "attempt": self.claim.attempt}
        log.error("run_overdue", extra=about)
        self.cancel()
        return True


class LeaseWatchdog(threading.Thread):
    """Looks after the leases by this process's own clock. It never asks the database, which may hang."""

    def __init__(
        self,
        runs: Callable[[], list[ActiveRun]],
        give_up: Callable[[ActiveRun], None],
        stopping: threading.Event,
        poll: float,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name="guard", daemon=True)
        self._runs, self._give_up, self._stopping, self._poll = runs, give_up, stopping, poll
        self._then = then

    def run(self) -> None:
        while not self._stopping.wait(self._poll):
            for active in self._runs():
                active.check_lease(time.monotonic())
                if active.is_newly_overdue():
                    self._give_up(active)
            self._then()
