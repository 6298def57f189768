"""Starts a Python program by fork(2) instead of exec(2): what the supervisor has imported is not imported again.

Five programs that each import Django and Celery would need most of the time of a start. A forked program behaves like
`python -m name arguments`: it has its own session, output and name (as `ps -e` and `top` show it), and nothing of the
supervisor's but memory.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import gc
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from django.db import connections

from environments import prctl
from scheduler_site.running import drain_status, process_guard


@dataclass
class Forked:
    """A process as the supervisor and the guard know one; `stdout` is what it and its program write."""

    pid: int
    stdout: IO[bytes] | None = None
    returncode: int | None = None

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)


def possible(argv: Sequence[str]) -> bool:
    """Whether this is `python -m module ...` with our own Python."""
    return sys.platform == "linux" and tuple(argv[:2]) == (sys.executable, "-m")


def guarded(options: argparse.Namespace, held: Iterable[int]) -> Forked:
    """A guard in a session of its own that holds the program of `options.argv`; keeps the descriptors `held` open.

    To be called from the main thread.
    """
    # SQLite forbids to carry a connection across a fork, and other databases could not tell who is speaking.
    connections.close_all()
    settle()
    reading, writing = os.pipe()
    if pid := os.fork():
        os.close(writing)
        return Forked(pid, os.fdopen(reading, "rb"))
    return end_with(lambda: _hold(options, writing, set(held)))


def _hold(options: argparse.Namespace, output: int, held: set[int]) -> int:
    os.setsid()
    signal.set_wakeup_fd(-1)
    _redirect(output)
    _close_others(held)
    prctl.be_called(f"guard {options.name}")
    return process_guard.Guard(options, start=lambda: _program(options)).hold()


def _program(options: argparse.Namespace) -> Forked:
    settle()
    if pid := os.fork():
        return Forked(pid)
    return end_with(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    prctl.die_with_parent(signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for number in (
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGHUP,
        signal.SIGUSR1,
        signal.SIGCHLD,
    ):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _close_others(set(options.keep))
    prctl.be_called(options.name)
    os.environ[drain_status.VARIABLE] = options.token
    sys.argv = list(options.argv[2:])
    runpy.run_module(options.argv[2], run_name="__main__", alter_sys=True)
    return 0


def settle() -> None:
    """Before a fork: nothing unwritten that both would write, nothing that garbage collection would copy."""
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()


def _redirect(output: int) -> None:
    """Output into the pipe, nothing to read; with new objects, as a thread may have held the old ones' locks."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    former = sys.stdout, sys.stderr
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115 - a descriptor, for good
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    for reference in logging._handlerList:  # type: ignore[attr-defined]
        # Not configured anew: that writes to four megabytes of memory that stay shared like this.
        handler = reference()
        if isinstance(handler, logging.StreamHandler) and handler.stream in former:
            handler.stream = sys.stdout if handler.stream is former[0] else sys.stderr


def _close_others(held: set[int]) -> None:
    """What exec(2) would have closed. Nothing here is freed that owns one of them: the process ends by os._exit."""
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor not in held:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def end_with(work: Callable[[], int]) -> NoReturn:
    """Does the work of a forked process and ends it like an interpreter of its own; never returns to the caller's."""
    status = 1
    try:
        status = work()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
