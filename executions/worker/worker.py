"""A worker process from the inside: the runs that it has, and the threads that serve them.

- the threads of Celery's pool take messages, and wait where there is no room for more runs;
- the writer thread claims and starts runs, and writes output and outcomes (`executions/worker/writer.py`);
- code kinds get a thread each, waiting kinds share an event loop (`executions/worker/executors.py`);
- the lease thread renews leases, and does nothing else (`executions/worker/leases.py`);
- the watch thread passes on orders to stop and shows that the worker lives, the upkeep thread takes its turn at reconciling,
  which may take long, and the log thread writes what silent runs have put out;
- the guard thread never asks the database: it ends the runs whose leases could not be renewed for too long, and gives up
  those that go on long after their time limit (`executions/worker/active_runs.py`).
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from executions import failpoints
from executions.ledger.publish import publish
from executions.models import Execution, Reason, State
from executions.monitoring import heartbeat
from executions.upkeep.reconcile import Turns
from executions.values import Claim
from executions.worker import run_requests
from executions.worker.active_runs import ActiveRun, LeaseWatchdog
from executions.worker.capacity import Capacity
from executions.worker.consumer import EVERY as CONSUMER_SECONDS
from executions.worker.consumer import Consumer
from executions.worker.drain import NOBODY, Draining, Host
from executions.worker.executors import Executors, fault
from executions.worker.leases import Leases
from executions.worker.loop import Loop
from executions.worker.output import OutputWriter
from executions.worker.pace import PATIENCE, Prefetch
from executions.worker.watchdog import ThreadProgress, Watchdog, end_process
from executions.worker.writer import Writer
from jobs.runners import Outcome
from scheduler_site.running import descriptors

log = logging.getLogger("executions.worker.worker")

POLL_SECONDS = 1.0
CODE = "code"


class Worker:
    """The runs of one worker process."""

    def __init__(self, name: str, queues: Iterable[str] = (), host: Host = NOBODY) -> None:
        self.name, self.queues = name, tuple(queues)
        self._runs: dict[int, ActiveRun] = {}
        self._lock = threading.Lock()
        self._emptied = threading.Condition(self._lock)
        io_slots = min(settings.WORKER_IO_SLOTS, descriptors.slots())
        self._capacity = Capacity({"io": io_slots, CODE: settings.WORKER_CODE_SLOTS})
        self._pace = Prefetch(settings.WORKER_CODE_SLOTS)
        self._executors = Executors(settings.WORKER_CODE_SLOTS, self._register, self._report_end)
        self._stopping = threading.Event()
        self._writer = Writer(name, self._written, partial(self._capacity.has_ahead, CODE))
        self._leases = Leases(name, self.active_runs)
        # How often runs were asked for that have not been started yet.
        self._starting = 0
        # Runs that came too late, when the worker was leaving already.
        self._declined: list[str] = []
        self._has_left = False
        self._draining = Draining(name, self._capacity, host, self._is_empty, self._republish)
        self._writer.start()
        LeaseWatchdog(
            self.active_runs, self._give_up, self._stopping, POLL_SECONDS, self._return_stuck
        ).start()
        self._consumer = Consumer(self.queues, self._is_idle, self._end_process)
        turns = Turns()
        steps = {
            "leases": self._leases.step,
            "watch": self._watch,
            "logs": self._flush_logs,
            "upkeep": turns.take,
        }
        self._loops = [Loop(thread, step, self._stopping, POLL_SECONDS) for thread, step in steps.items()]
        self._loops.append(Loop("consumer", self._consumer.look, self._stopping, CONSUMER_SECONDS))
        for loop in self._loops:
            loop.start()
        Watchdog(self._signs, self._stopping).start()

    # Runs ----------------------------------------------------------------------------------------------------------

    def perform(self, uids: Sequence[str], pool: str = "io") -> None:
        """Asks for the runs as soon as there is room, and returns; they start when the database has answered.

        Not waited for: what several messages ask for meanwhile is claimed together.
        """
        self._consumer.heard()
        left = list(uids)
        while left and (taken := self._capacity.take(pool, len(left))):
            part, left = left[:taken], left[taken:]
            with self._lock:
                self._starting += 1
            claimed = self._writer.claim(part, pool, hurry=not self._capacity.has_ahead(pool))
            claimed.add_done_callback(partial(self._start, part, pool))
        self._decline(left)

    def _start(self, uids: Sequence[str], pool: str, answer: Future[list[Claim]]) -> None:
        """Starts the runs that are this worker's now, each in one of the slots, which are all taken already."""
        try:
            claims = self._claimed(answer)
            if self._capacity.closed:
                self._decline(uids)
            self._capacity.give_back(pool, len(uids) - len(claims))
            for claim in claims:
                failpoints.reach("before start")
                try:
                    if not self._executors.start(claim, pool):
                        self._refuse(claim, pool)
                except Exception as error:
                    self._not_begun(claim, pool, error)
        finally:
            with self._emptied:
                self._starting -= 1
                self._emptied.notify_all()

    def _not_begun(self, claim: Claim, pool: str, error: Exception) -> None:
        """Such as no thread to be had: the end of this run, not of its slot.

        A pool may have queued it all the same before it failed; then it must not run as well.
        """
        with self._lock:
            active = self._runs.get(claim.pk)
        if active and active.claim.attempt == claim.attempt and not active.withdraw():
            return
        self._writer.report(claim, fault(claim, error))
        self._capacity.give_back(pool)

    def _refuse(self, claim: Claim, pool: str) -> None:
        text = f"This version cannot run jobs of the kind {claim.spec.kind}."
        self._writer.report(claim, Outcome("error", text))
        self._capacity.give_back(pool)

    @staticmethod
    def _claimed(answer: Future[list[Claim]]) -> list[Claim]:
        if answer.cancelled():
            return []
        if error := answer.exception():
            # They are still queued, and announced again by the reconciler.
            log.error("claim_failed", exc_info=error)
            return []
        return answer.result()

    def _decline(self, uids: Iterable[str]) -> None:
        """Announced again within a second, or at the end: those of them that are still queued then.

        Celery may take another message after this worker has taken its leave; nobody would look at that later.
        """
        with self._lock:
            self._declined += uids
            late = self._has_left and self._declined
        if late:
            self._republish()

    def _republish(self) -> None:
        with self._lock:
            declined, self._declined = self._declined, []
        if declined:
            publish(Execution.objects.filter(uid__in=declined, state=State.QUEUED).only("uid", "kind"))

    def _register(
        self,
        claim: Claim,
        pool: str,
        cancel: Callable[[], None],
        suspended: threading.Event | None = None,
    ) -> ActiveRun:
        sink = OutputWriter(lambda text: self._writer.report(claim, text))
        active = ActiveRun(claim, pool, cancel, sink, claim.leased_at, suspended=suspended)
        with self._lock:
            earlier = self._runs.get(claim.pk)
            self._runs[claim.pk] = active
        if earlier:
            # An attempt that was given up while this worker was out of touch: the new one must not run beside it.
            earlier.give_up(Reason.LOST)
        return active

    def _report_end(self, active: ActiveRun, outcome: Outcome) -> None:
        active.sink.close()
        if active.given_up and outcome.state == "stopped":
            self._writer.report(active.claim, None, active.given_up)
        else:
            self._writer.report(active.claim, outcome)
        with self._emptied:
            active.ended = True
            self._emptied.notify_all()
        # Not only when its end is on record: what comes next is claimed while that is written.
        self._capacity.give_back(active.pool)
        if active.pool == CODE and active.begun_at is not None:
            self._capacity.allow_ahead(CODE, self._pace.ended(time.monotonic() - active.begun_at))

    def _return_stuck(self) -> None:
        """What was claimed ahead and waits behind longer runs than were to be expected."""
        latest = time.monotonic() - PATIENCE
        stuck = [active for active in self._ahead() if (active.waits_since() or latest) < latest]
        if stuck:
            self._pace.stuck()
            self._capacity.allow_ahead(CODE, 0)
            self._return(stuck)

    def _ahead(self) -> list[ActiveRun]:
        """Those that wait because there are more active runs than slots; a free slot may take a moment to begin its run."""
        mine = [active for active in self.active_runs() if active.pool == CODE and not active.ended]
        more = max(len(mine) - settings.WORKER_CODE_SLOTS, 0)
        waiting = self._waiting()
        return waiting[len(waiting) - min(more, len(waiting)) :]

    def _waiting(self) -> list[ActiveRun]:
        """Runs of code that have not begun."""
        mine = (active for active in self.active_runs() if active.pool == CODE and not active.ended)
        return [active for active in mine if active.waits_since() is not None]

    def _return(self, runs: Iterable[ActiveRun]) -> None:
        back = [active for active in runs if active.withdraw()]
        if back:
            self._writer.give_back([active.claim for active in back], self._returned)
        for active in back:
            self._capacity.give_back(active.pool)

    def _returned(self, claims: Sequence[Claim]) -> None:
        self._decline(claim.uid for claim in claims)

    def active_runs(self) -> list[ActiveRun]:
        with self._lock:
            return list(self._runs.values())

    def _written(self, claims: Sequence[Claim]) -> None:
        with self._lock:
            for claim in claims:
                active = self._runs.get(claim.pk)
                # By now a later attempt of the same run may be active here: that one stays.
                if active and active.claim.attempt == claim.attempt:
                    del self._runs[claim.pk]
            self._emptied.notify_all()

    # Every second -----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        heartbeat.beat(self.name, self.queues)
        self._draining.look()
        self._republish()
        if self._runs:
            run_requests.apply_requests(self.active_runs())

    def _is_empty(self) -> bool:
        with self._lock:
            return not (self._runs or self._starting)

    def _is_idle(self) -> bool:
        return self._is_empty() and not self._capacity.closed

    def _signs(self) -> Iterator[ThreadProgress]:
        """Of the threads without which nothing gets on. While the database hangs, each of their steps takes a minute or two."""
        now = time.monotonic()
        yield ThreadProgress("writer", now, 1.0, self._writer.is_alive() or self._stopping.is_set())
        for loop in self._loops:
            patience = settings.WORKER_ALONE_SECONDS + 60.0 if loop.name in ("leases", "watch") else math.inf
            yield ThreadProgress(
                loop.name, loop.progress_at, patience, loop.is_alive() or self._stopping.is_set()
            )

    def _end_process(self, what: str) -> None:
        """Of a worker that does not get on: others take over, and a new one is started in its place."""
        with contextlib.suppress(DatabaseError, InterfaceError, OSError):
            heartbeat.leave(self.name, self.queues)
        end_process(what)

    def _give_up(self, active: ActiveRun) -> None:
        """A run that goes on long after its time limit: its slot stays taken, but its end is on record."""
        self._writer.report(active.claim, None, Reason.OVERDUE)

    def _flush_logs(self) -> None:
        for active in self.active_runs():
            active.sink.flush()

    # The end -------------------------------------------------------------------------------------------------------

    def shut_down(self, grace: float) -> None:
        """Lets runs end for `grace` seconds, ends the others (they are lost, with the reason), writes everything.

        That takes at most WORKER_ENDING_SECONDS more. What a database that is away has not taken by then is left to the
        reconciler: leases run out, and what nobody claimed is announced again.
        """
        deadline = time.monotonic() + grace + settings.WORKER_ENDING_SECONDS
        # From now on it ends, whatever becomes of the order to drain it.
        self._draining.over = True
        self._capacity.close()
        self._writer.leave()
        self._return(self._waiting())
        self._drain(grace)
        # What was being claimed as the end began.
        self._return(self._waiting())
        left = self._drain(0)
        for active in left:
            active.give_up(active.given_up or Reason.SHUTDOWN)
        stopping = max((active.claim.spec.stop_grace for active in left), default=0.0) + 2.0
        self._drain(min(stopping, deadline - time.monotonic() - 1.0))
        self._stopping.set()
        if self._writer.close(deadline - time.monotonic()):
            self._take_leave()

    def _take_leave(self) -> None:
        """What a worker does last that still talks to the database: others shall have at once what it did not want."""
        with self._lock:
            self._has_left = True
        try:
            self._republish()
            heartbeat.leave(self.name, self.queues)
        except (DatabaseError, InterfaceError, OSError) as error:
            log.warning("leave_failed", extra={"error": str(error)})
        finally:
            connection.close()

    def _drain(self, seconds: float) -> list[ActiveRun]:
        """Waits for the runs to end, those included that are being claimed; returns those that still go on."""

        def running() -> list[ActiveRun]:
            return [active for active in self._runs.values() if not active.ended]

        with self._emptied:
            self._emptied.wait_for(lambda: not (self._starting or running()), timeout=seconds)
            return running()
