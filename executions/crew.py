"""A worker process from the inside: the runs that it has, and the threads that serve them.

- the threads of Celery's pool take messages; code kinds stay in that thread, waiting kinds go to one event loop;
- the writer thread claims, and writes output and outcomes (`executions/writer.py`);
- the watch thread renews leases, hears of stops, shows that the worker lives, and takes its turn at reconciling.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.db.models import Q
from django.utils import timezone

from executions import failpoints, heartbeat
from executions.claims import LEASE, Claim
from executions.models import Execution, State
from executions.publish import publish
from executions.reconcile import Turns
from executions.sink import Sink
from executions.writer import Writer
from jobs.runners import RUNNERS, CodeRunner, Context, IORunner, Outcome

log = logging.getLogger("executions.crew")

RENEW_SECONDS = 15.0
POLL_SECONDS = 1.0


@dataclass
class Hand:
    """A run in this worker's hands, and how to tell it to end."""

    claim: Claim
    cancel: Callable[[], None]
    sink: Sink
    shut_down: bool = field(default=False)


def _fault(claim: Claim, error: Exception) -> Outcome:
    """What a runner raises is a fault of ours, but must not be more than the end of this run."""
    log.error("runner_failed", extra={"run": claim.uid}, exc_info=error)
    return Outcome("error", f"{type(error).__name__}: {error}", retryable=False)


class Crew:
    """The runs of one worker process."""

    def __init__(self, name: str, queues: Iterable[str] = ()) -> None:
        self.name, self.queues = name, tuple(queues)
        self._hands: dict[int, Hand] = {}
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving, self._stopping = threading.Event(), threading.Event()
        self._writer = Writer(name, self._written)
        self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._writer.start()
        self._watcher.start()

    # Runs ----------------------------------------------------------------------------------------------------------

    def perform(self, uids: Sequence[str]) -> None:
        """Claims the runs and does them: returns when the code kinds have ended and the waiting kinds are under way."""
        self._wait_for_room(len(uids))
        if self._leaving.is_set():
            # Prefetched before the worker was told to end: others shall have them at once.
            publish(Execution.objects.filter(uid__in=uids, state=State.QUEUED).only("uid", "kind"))
            return
        for claim in self._writer.claim(uids):
            failpoints.reach("before start")
            runner = RUNNERS.get(claim.spec.kind)
            if isinstance(runner, IORunner):
                self._start_io(runner, claim)
            elif isinstance(runner, CodeRunner):
                self._run_code(runner, claim)
            else:
                text = f"This version cannot run jobs of the kind {claim.spec.kind}."
                self._writer.report(claim, Outcome("error", text))

    def _run_code(self, runner: CodeRunner, claim: Claim) -> None:
        cancelled = threading.Event()
        hand = self._take(claim, cancelled.set)
        try:
            outcome = runner.run(Context(claim.spec, cancelled, hand.sink))
        except Exception as error:
            outcome = _fault(claim, error)
        self._hand_in(hand, outcome)

    def _start_io(self, runner: IORunner, claim: Claim) -> None:
        loop = self._event_loop()
        cancelled = asyncio.Event()

        def cancel() -> None:
            loop.call_soon_threadsafe(cancelled.set)

        hand = self._take(claim, cancel)
        asyncio.run_coroutine_threadsafe(self._run_io(runner, hand, cancelled), loop)

    async def _run_io(self, runner: IORunner, hand: Hand, cancelled: asyncio.Event) -> None:
        try:
            outcome = await runner.run(Context(hand.claim.spec, cancelled, hand.sink))
        except Exception as error:
            outcome = _fault(hand.claim, error)
        self._hand_in(hand, outcome)

    def _take(self, claim: Claim, cancel: Callable[[], None]) -> Hand:
        hand = Hand(claim, cancel, Sink(lambda text: self._writer.report(claim, text)))
        with self._lock:
            self._hands[claim.pk] = hand
        return hand

    def _hand_in(self, hand: Hand, outcome: Outcome) -> None:
        hand.sink.close()
        cut_off = hand.shut_down and outcome.state == "stopped"
        self._writer.report(hand.claim, None if cut_off else outcome)

    def _wait_for_room(self, wanted: int) -> None:
        """Takes no more waiting runs than the loop may hold: what is not taken stays for other workers."""
        with self._room:
            self._room.wait_for(
                lambda: len(self._hands) + wanted <= settings.WORKER_IO_SLOTS or not self._hands
            )

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="io", daemon=True).start()
            return self._loop

    def _written(self, claims: Sequence[Claim]) -> None:
        with self._room:
            for claim in claims:
                hand = self._hands.get(claim.pk)
                # By now a later attempt of the same run may be in these hands: that one stays.
                if hand and hand.claim.attempt == claim.attempt:
                    del self._hands[claim.pk]
            self._room.notify_all()

    # The watch -----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        renew_at, turns = 0.0, Turns()
        while not self._stopping.is_set():
            try:
                close_old_connections()
                heartbeat.beat(self.name, self.queues)
                if self._hands:
                    if renewed := time.monotonic() >= renew_at:
                        self._renew()
                    self._hear_stops()
                    renew_at = time.monotonic() + RENEW_SECONDS if renewed else renew_at
                turns.take()
            except (DatabaseError, InterfaceError, OSError) as error:
                log.warning("watch_waits", extra={"error": str(error)})
                connection.close()
            except Exception:
                # Without this thread no lease is renewed, and every run here would be lost.
                log.exception("watch_failed")
                connection.close()
            self._flush_logs()
            self._stopping.wait(POLL_SECONDS)
        connection.close()

    def _renew(self) -> None:
        """Renews all leases in one statement; runs that are not ours any more are ended here as well."""
        with self._lock:
            keys = list(self._hands)
        mine = Execution.objects.filter(pk__in=keys, worker=self.name, state=State.RUNNING)
        with transaction.atomic():
            # A row that somebody else changes at this moment is renewed the next time.
            renewed = Execution.objects.filter(pk__in=mine.locked(skip=True))
            count = renewed.update(lease_until=timezone.now() + LEASE)
        if count < len(keys):
            still_mine = set(mine.values_list("pk", flat=True))
            for pk in set(keys) - still_mine:
                self._cancel(pk)

    def _hear_stops(self) -> None:
        with self._lock:
            keys = list(self._hands)
        asked = Q(stop_requested_at__isnull=False) | Q(job=None)
        for pk in Execution.objects.filter(asked, pk__in=keys).values_list("pk", flat=True):
            self._cancel(pk)

    def _cancel(self, pk: int) -> None:
        with self._lock:
            hand = self._hands.get(pk)
        if hand:
            hand.cancel()

    def _flush_logs(self) -> None:
        with self._lock:
            hands = list(self._hands.values())
        for hand in hands:
            hand.sink.flush()

    # The end -------------------------------------------------------------------------------------------------------

    def shut_down(self, grace: float) -> None:
        """Lets runs end for `grace` seconds, ends the others (they are lost, with the reason), writes everything."""
        self._leaving.set()
        self._drain(grace)
        with self._lock:
            left = list(self._hands.values())
        for hand in left:
            hand.shut_down = True
            hand.cancel()
        self._drain(max((hand.claim.spec.stop_grace for hand in left), default=0.0) + 2.0)
        self._stopping.set()
        self._writer.close(5.0)
        heartbeat.leave(self.name, self.queues)

    def _drain(self, seconds: float) -> None:
        with self._room:
            self._room.wait_for(lambda: not self._hands, timeout=seconds)
