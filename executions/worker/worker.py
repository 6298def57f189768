"""A worker process from the inside: the runs that it has, and the threads that serve them.

- the threads of Celery's pool take messages, and wait where there is no room for more runs;
- the writer thread claims and starts runs, and writes output and outcomes (`executions/worker/writer.py`);
- code kinds get a thread each, waiting kinds share an event loop;
- the lease thread renews leases, and does nothing else (`executions/worker/leases.py`);
- the watch thread hears of stops and shows that the worker lives, the upkeep thread takes its turn at reconciling, which may
  take long, and the log thread hands on what silent runs have written;
- the guard thread never asks the database: it ends the runs whose leases could not be renewed for too long, and gives up
  those that go on long after their time limit (`executions/worker/active_runs.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from executions import failpoints
from executions.ledger.publish import publish
from executions.models import Execution, Reason, State
from executions.monitoring import heartbeat
from executions.upkeep.reconcile import Turns
from executions.values import Claim
from executions.worker import orders
from executions.worker.active_runs import ActiveRun, LeaseWatchdog
from executions.worker.capacity import Room
from executions.worker.consumer import EVERY as CONSUMER_SECONDS
from executions.worker.consumer import Consumer
from executions.worker.drain import NOBODY, Draining, Host
from executions.worker.leases import Leases
from executions.worker.loop import Loop
from executions.worker.output import Sink
from executions.worker.pace import PATIENCE, Pace
from executions.worker.watchdog import Sign, Watchdog, end_process
from executions.worker.writer import Writer
from jobs.runners import RUNNERS, CodeRunner, Context, IORunner, Outcome
from scheduler_site.running import descriptors

log = logging.getLogger("executions.worker.worker")

POLL_SECONDS = 1.0
CODE = "code"


def _fault(claim: Claim, error: Exception) -> Outcome:
    """What a runner raises is a fault of ours, but must not be more than the end of this run."""
    log.error("runner_failed", extra={"run": claim.uid}, exc_info=error)
    return Outcome("error", f"{type(error).__name__}: {error}", retryable=False)


class Worker:
    """The runs of one worker process."""

    def __init__(self, name: str, queues: Iterable[str] = (), host: Host = NOBODY) -> None:
        self.name, self.queues = name, tuple(queues)
        self._hands: dict[int, ActiveRun] = {}
        self._lock = threading.Lock()
        self._emptied = threading.Condition(self._lock)
        io_slots = min(settings.WORKER_IO_SLOTS, descriptors.slots())
        self._room = Room({"io": io_slots, CODE: settings.WORKER_CODE_SLOTS})
        self._pace = Pace(settings.WORKER_CODE_SLOTS)
        self._threads = ThreadPoolExecutor(settings.WORKER_CODE_SLOTS, "code")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._writer = Writer(name, self._written)
        self._leases = Leases(name, self._in_hand)
        # How often runs were asked for that have not been started yet.
        self._starting = 0
        # Runs that came too late, when the worker was leaving already.
        self._unwanted: list[str] = []
        self._has_left = False
        self._draining = Draining(name, self._room, host, self._is_empty, self._hand_back)
        self._writer.start()
        LeaseWatchdog(self._in_hand, self._give_up, self._stopping, POLL_SECONDS, self._return_stuck).start()
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
        while left and (taken := self._room.take(pool, len(left))):
            part, left = left[:taken], left[taken:]
            with self._lock:
                self._starting += 1
            self._writer.claim(part, pool).add_done_callback(partial(self._start, part, pool))
        self._leave_to_others(left)

    def _start(self, uids: Sequence[str], pool: str, answer: Future[list[Claim]]) -> None:
        """Starts the runs that are this worker's now, each in one of the slots, which are all taken already."""
        try:
            claims = self._claimed(answer)
            if self._room.closed:
                self._leave_to_others(uids)
            self._room.give_back(pool, len(uids) - len(claims))
            for claim in claims:
                failpoints.reach("before start")
                try:
                    self._begin(claim, pool)
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
            hand = self._hands.get(claim.pk)
        if hand and hand.claim.attempt == claim.attempt and not hand.withdraw():
            return
        self._writer.report(claim, _fault(claim, error))
        self._room.give_back(pool)

    @staticmethod
    def _claimed(answer: Future[list[Claim]]) -> list[Claim]:
        if answer.cancelled():
            return []
        if error := answer.exception():
            # They are still queued, and announced again by the reconciler.
            log.error("claim_failed", exc_info=error)
            return []
        return answer.result()

    def _leave_to_others(self, uids: Iterable[str]) -> None:
        """Announced again within a second, or at the end: those of them that are still queued then.

        Celery may take another message after this worker has taken its leave; nobody would look at that later.
        """
        with self._lock:
            self._unwanted += uids
            late = self._has_left and self._unwanted
        if late:
            self._hand_back()

    def _hand_back(self) -> None:
        with self._lock:
            unwanted, self._unwanted = self._unwanted, []
        if unwanted:
            publish(Execution.objects.filter(uid__in=unwanted, state=State.QUEUED).only("uid", "kind"))

    def _begin(self, claim: Claim, pool: str) -> None:
        runner = RUNNERS.get(claim.spec.kind)
        if isinstance(runner, IORunner):
            self._start_io(runner, claim, pool)
        elif isinstance(runner, CodeRunner):
            self._start_code(runner, claim, pool)
        else:
            text = f"This version cannot run jobs of the kind {claim.spec.kind}."
            self._writer.report(claim, Outcome("error", text))
            self._room.give_back(pool)

    def _start_code(self, runner: CodeRunner, claim: Claim, pool: str) -> None:
        cancelled = threading.Event()
        hand = self._take(claim, pool, cancelled.set, threading.Event())
        self._threads.submit(self._run_code, runner, hand, cancelled)

    def _run_code(self, runner: CodeRunner, hand: ActiveRun, cancelled: threading.Event) -> None:
        if not hand.begin():
            return
        try:
            outcome = runner.run(Context(hand.claim.spec, cancelled, hand.sink, hand.suspended))
        except Exception as error:
            outcome = _fault(hand.claim, error)
        self._hand_in(hand, outcome)

    def _start_io(self, runner: IORunner, claim: Claim, pool: str) -> None:
        loop = self._event_loop()
        cancelled = asyncio.Event()

        def cancel() -> None:
            loop.call_soon_threadsafe(cancelled.set)

        hand = self._take(claim, pool, cancel)
        asyncio.run_coroutine_threadsafe(self._run_io(runner, hand, cancelled), loop)

    async def _run_io(self, runner: IORunner, hand: ActiveRun, cancelled: asyncio.Event) -> None:
        if not hand.begin():
            return
        try:
            outcome = await runner.run(Context(hand.claim.spec, cancelled, hand.sink))
        except Exception as error:
            outcome = _fault(hand.claim, error)
        self._hand_in(hand, outcome)

    def _take(
        self,
        claim: Claim,
        pool: str,
        cancel: Callable[[], None],
        suspended: threading.Event | None = None,
    ) -> ActiveRun:
        sink = Sink(lambda text: self._writer.report(claim, text))
        hand = ActiveRun(claim, pool, cancel, sink, claim.leased_at, suspended=suspended)
        with self._lock:
            earlier = self._hands.get(claim.pk)
            self._hands[claim.pk] = hand
        if earlier:
            # An attempt that was given up while this worker was out of touch: the new one must not run beside it.
            earlier.give_up(Reason.LOST)
        return hand

    def _hand_in(self, hand: ActiveRun, outcome: Outcome) -> None:
        hand.sink.close()
        if hand.given_up and outcome.state == "stopped":
            self._writer.report(hand.claim, None, hand.given_up)
        else:
            self._writer.report(hand.claim, outcome)
        with self._emptied:
            hand.ended = True
            self._emptied.notify_all()
        # Not only when its end is on record: what comes next is claimed while that is written.
        self._room.give_back(hand.pool)
        if hand.pool == CODE and hand.begun_at is not None:
            self._room.allow_ahead(CODE, self._pace.ended(time.monotonic() - hand.begun_at))

    def _return_stuck(self) -> None:
        """What was claimed ahead and waits behind longer runs than were to be expected."""
        latest = time.monotonic() - PATIENCE
        stuck = [hand for hand in self._ahead() if (hand.waits_since() or latest) < latest]
        if stuck:
            self._pace.stuck()
            self._room.allow_ahead(CODE, 0)
            self._return(stuck)

    def _ahead(self) -> list[ActiveRun]:
        """Those that wait because there are more in hand than slots; a free slot may take a moment to begin its run."""
        mine = [hand for hand in self._in_hand() if hand.pool == CODE and not hand.ended]
        more = max(len(mine) - settings.WORKER_CODE_SLOTS, 0)
        waiting = self._waiting()
        return waiting[len(waiting) - min(more, len(waiting)) :]

    def _waiting(self) -> list[ActiveRun]:
        """Runs of code that have not begun."""
        mine = (hand for hand in self._in_hand() if hand.pool == CODE and not hand.ended)
        return [hand for hand in mine if hand.waits_since() is not None]

    def _return(self, hands: Iterable[ActiveRun]) -> None:
        back = [hand for hand in hands if hand.withdraw()]
        if back:
            self._writer.give_back([hand.claim for hand in back], self._returned)
        for hand in back:
            self._room.give_back(hand.pool)

    def _returned(self, claims: Sequence[Claim]) -> None:
        self._leave_to_others(claim.uid for claim in claims)

    def _in_hand(self) -> list[ActiveRun]:
        with self._lock:
            return list(self._hands.values())

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                try:
                    threading.Thread(target=loop.run_forever, name="io", daemon=True).start()
                except RuntimeError:
                    loop.close()
                    raise
                # Only now: a loop that nothing runs would swallow every run.
                self._loop = loop
            return self._loop

    def _written(self, claims: Sequence[Claim]) -> None:
        with self._lock:
            for claim in claims:
                hand = self._hands.get(claim.pk)
                # By now a later attempt of the same run may be in these hands: that one stays.
                if hand and hand.claim.attempt == claim.attempt:
                    del self._hands[claim.pk]
            self._emptied.notify_all()

    # The watch -----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        heartbeat.beat(self.name, self.queues)
        self._draining.look()
        self._hand_back()
        if self._hands:
            orders.hear(self._in_hand())

    def _is_empty(self) -> bool:
        with self._lock:
            return not (self._hands or self._starting)

    def _is_idle(self) -> bool:
        return self._is_empty() and not self._room.closed

    def _signs(self) -> Iterator[Sign]:
        """Of the threads without which nothing gets on. While the database hangs, each of their steps takes a minute or two."""
        now = time.monotonic()
        yield Sign("writer", now, 1.0, self._writer.is_alive() or self._stopping.is_set())
        for loop in self._loops:
            patience = settings.WORKER_ALONE_SECONDS + 60.0 if loop.name in ("leases", "watch") else math.inf
            yield Sign(loop.name, loop.progress_at, patience, loop.is_alive() or self._stopping.is_set())

    def _end_process(self, what: str) -> None:
        """Of a worker that does not get on: others take over, and a new one is started in its place."""
        with contextlib.suppress(DatabaseError, InterfaceError, OSError):
            heartbeat.leave(self.name, self.queues)
        end_process(what)

    def _give_up(self, hand: ActiveRun) -> None:
        """A run that goes on long after its time limit: its slot stays taken, but its end is on record."""
        self._writer.report(hand.claim, None, Reason.OVERDUE)

    def _flush_logs(self) -> None:
        for hand in self._in_hand():
            hand.sink.flush()

    # The end -------------------------------------------------------------------------------------------------------

    def shut_down(self, grace: float) -> None:
        """Lets runs end for `grace` seconds, ends the others (they are lost, with the reason), writes everything.

        That takes at most WORKER_ENDING_SECONDS more. What a database that is away has not taken by then is left to the
        reconciler: leases run out, and what nobody claimed is announced again.
        """
        deadline = time.monotonic() + grace + settings.WORKER_ENDING_SECONDS
        # From now on it ends, whatever becomes of the order to drain it.
        self._draining.over = True
        self._room.close()
        self._writer.leave()
        self._return(self._waiting())
        self._drain(grace)
        # What was being claimed as the end began.
        self._return(self._waiting())
        left = self._drain(0)
        for hand in left:
            hand.give_up(hand.given_up or Reason.SHUTDOWN)
        stopping = max((hand.claim.spec.stop_grace for hand in left), default=0.0) + 2.0
        self._drain(min(stopping, deadline - time.monotonic() - 1.0))
        self._stopping.set()
        if self._writer.close(deadline - time.monotonic()):
            self._take_leave()

    def _take_leave(self) -> None:
        """What a worker does last that still talks to the database: others shall have at once what it did not want."""
        with self._lock:
            self._has_left = True
        try:
            self._hand_back()
            heartbeat.leave(self.name, self.queues)
        except (DatabaseError, InterfaceError, OSError) as error:
            log.warning("leave_failed", extra={"error": str(error)})
        finally:
            connection.close()

    def _drain(self, seconds: float) -> list[ActiveRun]:
        """Waits for the runs to end, those included that are being claimed; returns those that still go on."""

        def running() -> list[ActiveRun]:
            return [hand for hand in self._hands.values() if not hand.ended]

        with self._emptied:
            self._emptied.wait_for(lambda: not (self._starting or running()), timeout=seconds)
            return running()
