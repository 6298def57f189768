"""Runs the runners in this process: code kinds get a thread each, waiting kinds share an event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from executions.values import Claim
from executions.worker.active_runs import ActiveRun
from jobs.runners import RUNNERS, CodeRunner, Context, IORunner, Outcome

log = logging.getLogger("executions.worker.executors")


class Register(Protocol):
    """Makes a claim an active run of the worker."""

    def __call__(
        self, claim: Claim, pool: str, cancel: Callable[[], None], suspended: threading.Event | None = None
    ) -> ActiveRun: ...


def fault(claim: Claim, error: Exception) -> Outcome:
    """The outcome for an exception of a runner, which is a bug of ours: it ends only this run."""
    log.error("runner_failed", extra={"run": claim.uid}, exc_info=error)
    return Outcome("error", f"{type(error).__name__}: {error}", retryable=False)


class Executors:
    """`register` is called before a run begins, `ended` with its outcome."""

    def __init__(self, threads: int, register: Register, ended: Callable[[ActiveRun, Outcome], None]) -> None:
        self.threads = ThreadPoolExecutor(threads, "code")
        self._register, self._ended = register, ended
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, claim: Claim, pool: str) -> bool:
        """False when this version has no runner of this kind. Raises what keeps a thread or a loop from being started."""
        runner = RUNNERS.get(claim.spec.kind)
        if isinstance(runner, IORunner):
            self._start_io(runner, claim, pool)
        elif isinstance(runner, CodeRunner):
            self._start_code(runner, claim, pool)
        else:
            return False
        return True

    def _start_code(self, runner: CodeRunner, claim: Claim, pool: str) -> None:
        cancelled = threading.Event()
        active = self._register(claim, pool, cancelled.set, threading.Event())
        self.threads.submit(self._run_code, runner, active, cancelled)

    def _run_code(self, runner: CodeRunner, active: ActiveRun, cancelled: threading.Event) -> None:
        if not active.begin():
            return
        try:
            outcome = runner.run(Context(active.claim.spec, cancelled, active.sink, active.suspended))
        except Exception as error:
            outcome = fault(active.claim, error)
        self._ended(active, outcome)

    def _start_io(self, runner: IORunner, claim: Claim, pool: str) -> None:
        loop = self._event_loop()
        cancelled = asyncio.Event()

        def cancel() -> None:
            loop.call_soon_threadsafe(cancelled.set)

        active = self._register(claim, pool, cancel)
        asyncio.run_coroutine_threadsafe(self._run_io(runner, active, cancelled), loop)

    async def _run_io(self, runner: IORunner, active: ActiveRun, cancelled: asyncio.Event) -> None:
        if not active.begin():
            return
        try:
            outcome = await runner.run(Context(active.claim.spec, cancelled, active.sink))
        except Exception as error:
            outcome = fault(active.claim, error)
        self._ended(active, outcome)

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
