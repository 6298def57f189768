"""The thread of a worker that reads and writes the ledger for its runs: claims, output, outcomes; many in one transaction.

One connection serves hundreds of runs. While the database restarts, everything waits here and is retried until it is written.
Nothing is written twice, because every step is conditional.
"""

from __future__ import annotations

import datetime as dt
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TypeVar

from django.db import close_old_connections, connection

from executions.ledger import claims, outcomes, requeue
from executions.ledger.limits import concurrency
from executions.ledger.outcomes import Report
from executions.models import Reason
from executions.values import Claim
from executions.worker import priority
from executions.worker.pace import Gathering
from jobs.runners import Outcome
from scheduler_site.lib import clock
from scheduler_site.lib.database.errors import Kind, breaks_connection, kind_of

log = logging.getLogger("executions.worker.writer")

TOGETHER = 100
# Characters after which a batch is full: MariaDB takes statements of 16 MiB, and a character may have four bytes.
MOST_TEXT = 1 << 20
# A report that breaks the connection so often in a row, while the database answers, is to blame itself.
MOST_BREAKS = 6
UNWRITABLE = "The outcome could not be written."
Result = TypeVar("Result")


@dataclass(eq=False)
class ClaimRequest:
    """Runs of a queue that a message names; the result is those that this worker has claimed."""

    uids: Sequence[str]
    queue: str
    answer: Future[list[Claim]] = field(default_factory=Future)


@dataclass(frozen=True)
class ReturnRequest:
    """Claims that were not started."""

    claims: Sequence[Claim]
    then: Callable[[Sequence[Claim]], None]


Item = ClaimRequest | ReturnRequest | Report


class Writer(threading.Thread):
    """`written` is called with each claim whose end is on record (or was refused). has_ahead: as Gathering has it."""

    def __init__(
        self,
        worker: str,
        written: Callable[[Sequence[Claim]], None],
        has_ahead: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(name="writer", daemon=True)
        self._worker, self._written = worker, written
        self._pace = Gathering(has_ahead)
        self._waiting: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._leaving = False
        self._unanswered: set[Future[list[Claim]]] = set()
        self._door = threading.Lock()

    def claim(self, uids: Sequence[str], queue: str = "io", *, hurry: bool = True) -> Future[list[Claim]]:
        """What the database will answer; cancelled once the worker leaves. hurry: slots wait for these runs.

        Its callbacks run in the writer's thread, or in the one that leaves.
        """
        wanted = ClaimRequest(uids, queue)
        with self._door:
            if self._leaving:
                wanted.answer.cancel()
                return wanted.answer
            self._unanswered.add(wanted.answer)
            self._waiting.put(wanted)
            if hurry:
                self._pace.hurry()
        wanted.answer.add_done_callback(self._forget)
        return wanted.answer

    def _forget(self, answer: Future[list[Claim]]) -> None:
        with self._door:
            self._unanswered.discard(answer)

    def report(self, claim: Claim, what: str | Outcome | None, why: Reason = Reason.SHUTDOWN) -> None:
        self._waiting.put(Report(claim, what, why))

    def give_back(self, claims: Sequence[Claim], then: Callable[[Sequence[Claim]], None]) -> None:
        """These are queued again; `then` is called with those of them that are."""
        self._waiting.put(ReturnRequest(claims, then))

    def leave(self) -> None:
        """From now on nothing is claimed; who waits for a claim that the database has not been asked for gets none."""
        with self._door:
            self._leaving = True
            waiting = list(self._unanswered)
        self._pace.hurry()
        for answer in waiting:
            answer.cancel()

    def close(self, seconds: float) -> bool:
        """Writes what waits, for at most so long; false when the database did not take it in this time."""
        self.leave()
        self._waiting.put(None)
        self.join(seconds)
        if self.is_alive():
            log.warning("reports_unwritten", extra={"waiting": self._waiting.qsize()})
        return not self.is_alive()

    def run(self) -> None:
        while batch := self._next():
            self._pace.begin()
            try:
                self._handle(batch)
            except Exception:
                # Of whatever went wrong with handing on an answer: nobody else writes for this worker.
                log.exception("writer_failed")
            self._pace.end()
        connection.close()

    def _handle(self, batch: list[Item]) -> None:
        if reports := [item for item in batch if isinstance(item, Report)]:
            self._write(reports)
            self._written([report.claim for report in reports if report.is_last])
        for item in batch:
            if isinstance(item, ReturnRequest):
                self._return(item)
        wanted = [item for item in batch if isinstance(item, ClaimRequest)]
        if wanted := [one for one in wanted if one.answer.set_running_or_notify_cancel()]:
            self._answer(wanted)

    def _next(self) -> list[Item]:
        """What waits, at least one; empty at the end."""
        item, batch, text = self._waiting.get(), list[Item](), 0
        if not self._leaving:
            self._pace.gather(self._waiting.qsize, TOGETHER)
        while item is not None:
            batch.append(item)
            text += item.characters if isinstance(item, Report) else 0
            if len(batch) == TOGETHER or text >= MOST_TEXT or self._waiting.empty():
                return batch
            item = self._waiting.get()
        if batch:
            self._waiting.put(None)
        return batch

    # Reports ---------------------------------------------------------------------------------------------------------

    def _write(self, reports: list[Report]) -> None:
        moments: list[dt.datetime] = []

        def step() -> None:
            if moments:
                outcomes.write(reports, self._worker, moments[0], again=True)
            else:
                moments.append(clock.now())
                outcomes.write(reports, self._worker, moments[0])

        try:
            self._patiently(step, suspicious=True)
        except Exception as error:
            self._isolate(reports, error)

    def _isolate(self, reports: list[Report], error: Exception) -> None:
        """One report that no database takes must hold up neither the others nor this thread."""
        if len(reports) > 1:
            for report in reports:
                self._write([report])
            return
        (report,) = reports
        log.error("report_unwritable", extra={"run": report.claim.uid}, exc_info=error)
        if less := reduced(report):
            self._write([less])

    def _return(self, item: ReturnRequest) -> None:
        queued: list[Claim] = []
        try:
            queued = self._patiently(lambda: requeue.give_back(item.claims, self._worker, clock.now()))
            # Such as those that somebody has stopped while they waited.
            if others := [claim for claim in item.claims if claim not in queued]:
                self._write([Report(claim, Outcome("stopped")) for claim in others])
        finally:
            self._written(item.claims)
        item.then(queued)

    # Claims ----------------------------------------------------------------------------------------------------------

    def _answer(self, wanted: list[ClaimRequest]) -> None:
        seen = dict[int, int]()
        try:
            if self._patiently(concurrency.differ):
                mine = self._claim_by_priority(wanted)
            else:
                uids = [uid for one in wanted for uid in one.uids]
                mine = self._patiently(lambda: self._claim(uids, seen))
        except Exception as error:
            if len(wanted) > 1:
                for one in wanted:
                    self._answer([one])
            else:
                wanted[0].answer.set_exception(error)
            return
        by_uid = {claim.uid: claim for claim in mine}
        for one in wanted:
            # Taken out as they are handed out: two messages may speak of the same run.
            one.answer.set_result([by_uid.pop(uid) for uid in one.uids if uid in by_uid])

    def _claim_by_priority(self, wanted: list[ClaimRequest]) -> list[Claim]:
        def first(queue: str, count: int, tried: Sequence[str]) -> list[str]:
            return self._patiently(lambda: concurrency.preferred(queue, count, clock.now(), tried=tried))

        def ask(uids: Sequence[str]) -> list[Claim]:
            seen = dict[int, int]()
            return self._patiently(lambda: self._claim(uids, seen))

        return priority.claim(wanted, first, ask)

    def _claim(self, uids: Sequence[str], seen: dict[int, int]) -> list[Claim]:
        if self._leaving and not seen:
            return []
        return claims.claim([] if self._leaving else uids, self._worker, clock.now(), seen)

    def _patiently(self, step: Callable[[], Result], *, suspicious: bool = False) -> Result:
        """The result of a step, however long the database is away. Raises what no repetition helps against.

        `suspicious`: also when the step breaks the connection each time, while the database answers (MariaDB does so when it is
        sent too much at once).
        """
        pause, broke = 0.1, 0
        while True:
            try:
                if not self._pace.is_busy:
                    # Which asks a connection whether it still lives: one that was just used is found out by its use.
                    close_old_connections()
                return step()
            except Exception as error:
                kind = kind_of(error)
                if kind is Kind.NEVER:
                    raise
                log.warning("writer_waits", extra={"kind": kind.value, "error": str(error)})
                connection.close()
                broke = broke + 1 if suspicious and breaks_connection(error) and _answers() else 0
                if broke >= MOST_BREAKS:
                    raise
                time.sleep(pause)
                pause = min(pause * 2, 5.0)


def reduced(report: Report) -> Report | None:
    """What is said instead of a report that cannot be written: first without what is long, then only that it ended."""
    what = report.what
    if not isinstance(what, Outcome):
        return None
    bare = Outcome(what.state, UNWRITABLE, exit_code=what.exit_code, retryable=what.retryable)
    if what.message != UNWRITABLE:
        return replace(report, what=bare)
    last = Outcome("error", UNWRITABLE, retryable=False)
    return replace(report, what=last) if what != last else None


def _answers() -> bool:
    """Whether the database answers, over a new connection."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        connection.close()
        return False
    return True
