"""Carries out one operation: locks the environment, runs the child process, and reports how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils.translation import gettext_noop as _

from environments import home_directory
from environments.backends.base import Failed, Invalid
from environments.errors import Refused
from environments.models import Environment, Operation
from environments.operations import cleanup, process, transitions
from environments.operations.contents import mend, request
from environments.operations.transitions import End

Kind, State = Operation.Kind, Operation.State

LOCKED = _("Something runs in this environment. Try again when it has ended.")
TOO_LONG = _("The operation took longer than ENVIRONMENT_OPERATION_SECONDS allows.")
CANCELLED = _("The operation was cancelled.")
SHUTDOWN = _("The worker that carried this operation out was shut down.")
REASONS = {process.TIMEOUT: TOO_LONG, "cancelled": CANCELLED, "shutdown": SHUTDOWN, "lost": transitions.LOST}
# Without news to write, a lease is renewed so often.
RENEW_SECONDS = 10.0
# A worker that does not reach the database gives up before others count it as dead.
GIVE_UP_SECONDS = transitions.LEASE.total_seconds() - 10


class Reporter:
    """Writes progress, renews the lease and checks for cancellation, at most once a second."""

    def __init__(self, operation: Operation, is_stopping: Callable[[], bool]) -> None:
        self.operation, self._is_stopping = operation, is_stopping
        self.log = operation.log
        self._written, self._looked = self.log, 0.0
        self._renewed = time.monotonic()

    def progress(self, text: str) -> None:
        self.log = transitions.cut(f"{self.log}{text.rstrip()}\n")

    def pulse(self) -> str:
        """The reason to stop, or nothing."""
        if self._is_stopping():
            return "shutdown"
        if time.monotonic() < self._looked + 1.0:
            return ""
        self._looked = time.monotonic()
        try:
            return self._tell()
        except (DatabaseError, InterfaceError):
            connection.close()
            return "lost" if self._looked - self._renewed > GIVE_UP_SECONDS else ""

    def stay(self) -> str:
        """Keeps the lease during the cleanup, which cannot be cancelled."""
        if time.monotonic() > self._renewed + RENEW_SECONDS:
            self._renewed = time.monotonic()
            with suppress(DatabaseError, InterfaceError):
                transitions.renew(self.operation, self.log)
        return ""

    def _tell(self) -> str:
        if transitions.is_cancelled(self.operation):
            return "cancelled"
        if self.log != self._written or self._looked - self._renewed > RENEW_SECONDS:
            if not transitions.renew(self.operation, self.log):
                return "lost"
            self._written, self._renewed = self.log, self._looked
        return ""


def carry_out(operation: Operation, report: Reporter) -> End:
    """Does it, and says how it ended. Raises OSError where the directory cannot be used."""
    environment = operation.environment
    if environment is None:
        return End(State.FAILED, _("The environment does not exist any more."))
    lock = home_directory.lock(environment.home, shared=False)
    if lock is None:
        return End(State.FAILED, LOCKED)
    with lock:
        try:
            done = _work(operation, environment, report, lock)
        except (Failed, Invalid, process.Stopped) as problem:
            return _unsuccessful(problem, operation, environment, report, lock)
        if operation.kind == Kind.DELETE:
            return End(State.SUCCESS, left=not cleanup.remove(environment.home))
        return End(State.SUCCESS, found=transitions.found(done))


def _work(
    operation: Operation, environment: Environment, report: Reporter, lock: IO[bytes]
) -> dict[str, Any]:
    making = operation.kind == Kind.CREATE
    asked = request(
        environment,
        # One that lies here already is only looked at.
        "describe" if making and environment.is_read_only else operation.kind,
        specs=tuple(operation.packages),
        python=environment.python_version if making and not environment.is_read_only else "",
    )
    seconds = float(settings.ENVIRONMENT_OPERATION_SECONDS)
    return process.ask(asked, seconds=seconds, progress=report.progress, pulse=report.pulse, lock=lock)


def _unsuccessful(
    problem: Failed | Invalid | process.Stopped,
    operation: Operation,
    environment: Environment,
    report: Reporter,
    lock: IO[bytes],
) -> End:
    state, words = State.FAILED, str(problem)
    if isinstance(problem, process.Stopped):
        state = State.CANCELLED if str(problem) == "cancelled" else State.FAILED
        words = REASONS[str(problem)]
    end = End(state, words)
    if isinstance(problem, Failed):
        end = replace(end, packages=problem.packages, details=problem.details)
    if operation.kind == Kind.CREATE:
        return replace(end, left=not cleanup.remove(environment.home))
    if operation.kind == Kind.DELETE:
        return replace(end, broken=words)
    if isinstance(problem, Invalid) or (isinstance(problem, Failed) and not problem.broken):
        return end
    return replace(end, **_mended(environment, report, lock, words))


def _mended(environment: Environment, report: Reporter, lock: IO[bytes], why: str) -> dict[str, Any]:
    """What an interrupted change leaves, after it was undone: nothing, or why the environment is broken."""
    try:
        mend(environment, lock, report.stay)
    except Refused as problem:
        return {"broken": f"{why}\n{problem}"}
    return {}
