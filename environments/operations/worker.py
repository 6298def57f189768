"""The threads of a system worker that carry operations out, and its sweep for operations whose message was lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from environments.models import Operation
from environments.operations import carry_out, process, transitions
from environments.operations.transitions import End

log = logging.getLogger("environments.operator")

SWEEP_SECONDS = 5.0
# How often the end of an operation is written while the database does not answer; then its lease runs out.
WRITES, WRITE_PAUSE = 8, 4.0


class OperationWorker:
    """Claims at most one operation per thread; other workers can claim the rest."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._most = settings.ENVIRONMENT_OPERATIONS_AT_ONCE
        self._threads = ThreadPoolExecutor(self._most, "operation")
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._at_work = 0
        self._closed = False
        self._stopping = threading.Event()

    def look(self) -> int:
        """Claims waiting operations while threads are free; returns how many."""
        with self._lock:
            free = 0 if self._closed else self._most - self._at_work
            self._at_work += free
        claimed: list[Operation] = []
        try:
            claimed = transitions.claim(self.name, free) if free else []
        finally:
            self._gave_back(free - len(claimed))
        for operation in claimed:
            self._threads.submit(self._perform, operation)
        return len(claimed)

    def shut_down(self, grace: float) -> None:
        """Takes no more, lets those at work go on for so many seconds, then ends them. Returns when none is left."""
        with self._ended:
            self._closed = True
            self._ended.wait_for(lambda: not self._at_work, grace)
            self._stopping.set()
            self._ended.wait_for(lambda: not self._at_work, 2 * process.GRACE)
        self._threads.shutdown(wait=False)

    def _perform(self, operation: Operation) -> None:
        try:
            close_old_connections()
            report = carry_out.Reporter(operation, self._stopping.is_set)
            end = self._end_of(operation, report)
            self._write(operation, end, report.log)
        except Exception:
            # It has a lease: when that runs out, the reconciler ends it.
            log.exception("operation_abandoned", extra={"operation": str(operation.uid)})
        finally:
            connection.close()
            self._gave_back(1)
            self._look_again()

    @staticmethod
    def _end_of(operation: Operation, report: carry_out.Reporter) -> End:
        try:
            return carry_out.carry_out(operation, report)
        except OSError as error:
            log.warning("operation_failed", extra={"operation": str(operation.uid), "error": str(error)})
            return End(Operation.State.FAILED, str(error), broken=str(error), left=True)
        except Exception as error:
            # A fault of ours must not be more than the end of this operation.
            log.exception("operation_broke", extra={"operation": str(operation.uid)})
            words = f"{type(error).__name__}: {error}"
            return End(Operation.State.FAILED, words, broken=transitions.UNSURE, left=True)

    @staticmethod
    def _write(operation: Operation, end: End, words: str) -> None:
        for attempt in range(WRITES):
            try:
                transitions.finish(operation, end, log=words)
                return
            except (DatabaseError, InterfaceError):
                connection.close()
                if attempt == WRITES - 1:
                    raise
                time.sleep(WRITE_PAUSE)

    def _gave_back(self, places: int) -> None:
        with self._ended:
            self._at_work -= places
            self._ended.notify_all()

    def _look_again(self) -> None:
        """Others may have waited for the place."""
        try:
            self.look()
        except (DatabaseError, InterfaceError) as error:
            log.warning("look_failed", extra={"error": str(error)})
        finally:
            connection.close()


class Sweep(threading.Thread):
    """Every few seconds, operations whose message was lost; a failing step does not affect the others."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__(name="environments", daemon=True)
        self._steps = steps
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(SWEEP_SECONDS):
            for step in self._steps:
                self._take(step)

    def _take(self, step: Callable[[], object]) -> None:
        try:
            close_old_connections()
            step()
        except Exception as error:
            # The database is away, or something nobody thought of: the next round may fare better.
            log.warning("sweep_failed", extra={"error": f"{type(error).__name__}: {error}"})
            connection.close()

    def stop(self) -> None:
        self._stopping.set()
