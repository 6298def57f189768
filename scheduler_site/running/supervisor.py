"""Keeps the programs running, and ends them all when it ends.

Every program is started by a guard (running/process_guard.py) in a session of its own, so Ctrl-C in a terminal reaches
the supervisor only, which then stops them in order. A program that dies is started again, each time a little later.
Programs are started by the main thread alone: a guard dies with the *thread* that started it (prctl(2)).
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from environments import prctl
from scheduler_site.running import drain_status, fork, process_guard
from scheduler_site.running.console import Console
from scheduler_site.running.programs import Program

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# A program that ran as long as this (seconds) has started well; its earlier failures are forgotten.
STEADY = 60.0
# After this many failures in a row before the system was ready, the start fails.
TRIES_AT_START = 3
# What a program that is not ours is told of our environment.
PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


def pause_before_try(failures: int) -> float:
    """Seconds to wait before a program is started again: 0.5, 1, 2, 4 ... 30."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE)


def describe(status: int) -> str:
    """`was killed by SIGKILL` for 137, as a guard reports it."""
    number = -status if status < 0 else status - 128
    if number > 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(number).name}"
    return f"ended with status {status}"


def _environment(program: Program) -> dict[str, str]:
    """Ours for our own programs; others, such as the broker, have no use for our secrets."""
    ours = program.argv[0] == sys.executable
    passed = {name: value for name, value in os.environ.items() if ours or name in PASSED}
    return passed | {"PYTHONUNBUFFERED": "1"}


@dataclass
class Child:
    """A program, and the process that runs it now."""

    program: Program
    process: subprocess.Popen[bytes] | fork.Forked | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0
    # Of the process that runs it, or ran it last (running/drain_status.py).
    token: str = ""
    # It was drained: not started again until `release` says so.
    parked: bool = False


class Supervisor:
    """Starts programs, restarts them, stops them. To be used from the main thread."""

    def __init__(
        self,
        console: Console,
        *,
        lock: int | None = None,
        directory: Path | None = None,
        handover: float = 0.0,
    ) -> None:
        """`handover`: seconds after which programs that may outlive the supervisor are left to themselves; 0: never."""
        self.console = console
        self._handover = handover
        self.children: list[Child] = []
        self.asked: list[float] = []
        self.failed = False
        self.ready = False
        self._ending = False
        self._lock = (lock,) if lock is not None else ()
        self._directory = directory
        # Open as long as the supervisor or a guard lives: programs that go last wait for its end.
        self._others_gone, self._others_alive = os.pipe()
        self._wakeup = process_guard.wakeup_pipe()
        prctl.become_subreaper()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup(1)
                signal.signal(number, self._ask_to_stop)

    def start(self, *programs: Program) -> None:
        for program in programs:
            self.children.append(child := Child(program))
            self._spawn(child)

    def watch(self, each_turn: Callable[[], None] = lambda: None) -> None:
        """Returns when a stop is requested, or a program cannot be started (`failed`)."""
        while not (self.asked or self.failed):
            self._reap()
            for child in self.children:
                if child.process is None and not child.parked and time.monotonic() >= child.due:
                    self._spawn(child)
            each_turn()
            self._sleep()

    def parked(self) -> list[str]:
        """The tokens of programs that were drained and have ended."""
        return [child.token for child in self.children if child.parked]

    def release(self, token: str) -> None:
        """Starts such a program again, as soon as `watch` comes to it. May be called from any thread."""
        for child in self.children:
            if child.token == token and child.parked:
                child.failures, child.due, child.parked = 0, 0.0, False

    def stop(self) -> None:
        """Ends every program, those that others need last; but see `handover`."""
        self._ending = True
        others = [child for child in reversed(self.children) if not child.program.last]
        outliving = [child for child in others if child.program.outlives and self._handover]
        for child in outliving:
            self._signal(child, signal.SIGTERM)
        self._stop([child for child in others if child not in outliving])
        if outliving:
            self._stop(outliving, self._handover)
        left = self._leave(outliving)
        os.close(self._others_alive)
        self._stop([child for child in self.children if child.program.last], urge=bool(left))
        self._kill_all_but(left)
        deadline = time.monotonic() + 5
        while self._kill_all_but(left) and time.monotonic() < deadline:
            self._reap()
            process_guard.sleep_until_signal(self._wakeup, 0.05)
        self._reap()

    def _leave(self, group: Iterable[Child]) -> list[int]:
        """The guards of programs that have been told to end and still have work: another supervisor may start beside them."""
        left = [child for child in group if child.process and not self._impatient()]
        for child in left:
            self.console.say(f"{child.program.name} ends by itself when its runs have ended")
        if left:
            for lock in self._lock:
                fcntl.flock(lock, fcntl.LOCK_UN)
        return [child.process.pid for child in left if child.process]

    @staticmethod
    def _kill_all_but(left: list[int]) -> set[int]:
        """Who is below this process and in none of these families; they are killed."""
        kept = set(left).union(*(process_guard.descendants(pid) for pid in left))
        return process_guard.kill_descendants(kept)

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self.asked.append(time.monotonic())

    def _impatient(self) -> bool:
        """Asked again later: make(1) passes a signal on to us that we may have got already."""
        return bool(self.asked) and self.asked[-1] - self.asked[0] > 1

    def _spawn(self, child: Child) -> None:
        program, child.token = child.program, drain_status.new_token(settings.DATA_DIR)
        held = self._lock + program.keep + (self._others_gone if program.last else self._others_alive,)
        child.process = self._fork(child, held) if fork.possible(program.argv) else self._execute(child, held)
        child.started = time.monotonic()
        if child.process.stdout:
            self.console.follow(program.name, child.process.stdout)

    def _fork(self, child: Child, held: tuple[int, ...]) -> fork.Forked:
        program = child.program
        options = argparse.Namespace(
            name=program.name,
            parent=os.getpid(),
            grace=program.grace,
            after=None,
            keep=program.keep,
            argv=program.argv,
            token=child.token,
        )
        return fork.guarded(options, held)

    def _execute(self, child: Child, held: tuple[int, ...]) -> subprocess.Popen[bytes]:
        program = child.program
        options = ["--parent", str(os.getpid()), "--grace", str(program.grace)]
        options += [word for descriptor in program.keep for word in ("--keep", str(descriptor))]
        if program.last:
            options += ["--after", str(self._others_gone)]
        return subprocess.Popen(
            [sys.executable, "-I", "-S", process_guard.__file__, *options, "--", *program.argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._directory,
            env=_environment(program) | {drain_status.VARIABLE: child.token},
            pass_fds=held,
            start_new_session=True,
        )

    def _reap(self) -> None:
        """Takes notice of the dead, of our own and of those that were adopted."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                for child in self.children:
                    if child.process and child.process.pid == found[0]:
                        self._ended(child, child.process, os.waitstatus_to_exitcode(found[1]))

    def _ended(self, child: Child, process: subprocess.Popen[bytes] | fork.Forked, status: int) -> None:
        process.returncode = status
        child.process = None
        # A guard that was killed could not end its program; both are in one group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if self._ending:
            return
        if status == drain_status.STATUS:
            child.parked = True
            self.console.say(
                f"{child.program.name} was drained; it is started again by `manage.py drain --cancel`"
            )
            return
        now = time.monotonic()
        child.failures = 1 if now - child.started > STEADY else child.failures + 1
        name = child.program.name
        if not self.ready and child.failures >= TRIES_AT_START:
            self.failed = True
            self.console.say(
                f"{name} {describe(status)} {child.failures} times: it cannot be started. Giving up."
            )
            return
        pause = pause_before_try(child.failures)
        child.due = now + pause
        self.console.say(f"{name} {describe(status)}; it is started again in {pause:g} s")

    def _stop(self, group: Iterable[Child], patience: float | None = None, *, urge: bool = False) -> None:
        """Waits as long as their grace, or `patience`. `urge`: whoever needs them is not waited for."""
        alive = [child for child in group if child.process]
        for child in alive:
            self._signal(child, signal.SIGUSR1 if urge else signal.SIGTERM)
        if patience is None:
            patience = max((child.program.grace for child in alive), default=0) + 3
        deadline = time.monotonic() + patience
        while any(child.process for child in alive) and time.monotonic() < deadline:
            for child in alive:
                if self._impatient() and not child.program.last:
                    self._signal(child, signal.SIGQUIT)
            self._reap()
            process_guard.sleep_until_signal(self._wakeup, 0.2)

    def _signal(self, child: Child, number: int) -> None:
        if child.process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.process.pid, number)

    def _sleep(self) -> None:
        due = [child.due for child in self.children if child.process is None and not child.parked]
        process_guard.sleep_until_signal(
            self._wakeup, min([0.3, *(moment - time.monotonic() for moment in due)])
        )
