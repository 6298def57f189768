"""A server for one job class: `python -m jobs.children.class_server <descriptor> <class> <account>`.

It imports the class's module once and forks the runs from what is then in memory. First it tells the worker whether that is
safe: {"ready": true}, or {"unfit": "why"}, after which it ends and each run imports the module itself.
"""

# Plain os calls: pathlib would be one more thing in memory at each fork.

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Set
from typing import Any

from environments import prctl
from environments.os_account import Account
from environments.os_account import become as become_account
from jobs.classes.base import load

from . import job_process
from .linux import children_of, descendants_of, die_with_parent, send_signal
from .modules import MOST_LEARNED, files_of_modules, is_library, learn, stamps, stamps_at_import
from .server import FAREWELL_SECONDS, Server

READY = b'{"ready": true}'
UNFIT = "unfit"  # what it has learned has started a thread, say
MOST_OUTPUT = 1 << 16  # bytes that a module may write while it is imported, before writing fails
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1, signal.SIGALRM)


class ClassServer(Server):
    """Forks only while the files that were imported are as they were, and the process is one to fork from."""

    def __init__(self, control: socket.socket, own: Set[str]) -> None:
        """own: the files that it consists of itself, which are as old as the worker."""
        super().__init__(control)
        self._own = own
        self._files = stamps_at_import(files_of_modules() - own)
        self._fit = True

    def order(self, message: dict[str, Any]) -> None:
        """{"learn": [...]}: modules that a run has imported, and the next ones need not."""
        before = set(children_of(os.getpid()))
        learn(message.get("learn", [])[:MOST_LEARNED])
        self.renew()
        self._fit = self._fit and not unfit(but=before)
        self._files |= stamps_at_import(files_of_modules() - self._files.keys() - self._own)
        gc.freeze()

    def begin(self, number: int, descriptors: list[int]) -> None:
        if not self._fit or stamps(self._files) != self._files:
            why = "changed" if self._fit else UNFIT
            with socket.socket(fileno=os.dup(descriptors[0])) as told, contextlib.suppress(OSError):
                told.sendall(json.dumps({"stale": why}).encode() + b"\n")
            return
        super().begin(number, descriptors)


def main(descriptor: int, path: str, account: Account | None) -> None:
    """Import, tell, and serve the control socket with this descriptor until its other end is closed."""
    prctl.become_subreaper(strict=True)
    if account:
        keep(descriptor, account)
    else:
        # During the import nobody reads the socket, whose end tells that the worker is gone.
        die_with_parent(os.getppid())
    os.umask(0o022)
    control = socket.socket(fileno=descriptor)
    own = {file for file in files_of_modules() if not is_library(file)}
    if problem := imported(path) or unfit():
        control.send(json.dumps({"unfit": problem[:2000]}).encode())
        return
    job_process.prepare(path, load(path))
    gc.collect()
    gc.freeze()
    if not account:
        prctl.outlive_parent(strict=True)
    control.send(READY)
    ClassServer(control, own).serve()


def keep(descriptor: int, account: Account) -> None:
    """Forks: the parent keeps its account, so that the code cannot kill it, and ends what the child leaves behind.

    Returns in the child, which has changed to `account`.
    """
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        become_account(account)
        die_with_parent(keeper)
        prctl.become_subreaper(strict=True)
        os.environ.update(account.variables)
        return
    os.close(descriptor)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD, *SIGNALS[:3]))
    worker, over = os.getppid(), math.inf
    while _bury(child):
        # Without its worker it ends itself, unless it is still at its import, or will not.
        if os.getppid() != worker:
            over = min(over, time.monotonic() + 2 * FAREWELL_SECONDS)
        if time.monotonic() > over:
            send_signal(child, signal.SIGKILL)
        signal.sigtimedwait((signal.SIGCHLD,), 1.0)
    while children_of(keeper):
        for pid in descendants_of(keeper):
            send_signal(pid, signal.SIGKILL)
        signal.sigtimedwait((signal.SIGCHLD,), 0.01)
        _bury(child)
    os._exit(0)


def _bury(child: int) -> bool:
    """Whether this one is still alive; all who are not are waited for."""
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            if pid == child:
                return False
    return bool(children_of(os.getpid()))


def imported(path: str) -> str:
    """Import the class's module; what went wrong, or nothing."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    handlers = [signal.getsignal(number) for number in SIGNALS]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, hard))
    me = os.getpid()
    try:
        load(path)
    except BaseException as problem:
        if os.getpid() != me:  # a copy that the module has made of this process
            os._exit(1)
        return f"the import fails with {type(problem).__name__}"
    if os.getpid() != me:
        os._exit(0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    changed = [
        number.name for number, was in zip(SIGNALS, handlers, strict=True) if signal.getsignal(number) != was
    ]
    if changed:
        return f"the import changes the handlers of {', '.join(changed)}"
    if wrote_something():
        return "the import writes output, which belongs into the log of each run"
    return ""


def wrote_something() -> bool:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return any(os.fstat(descriptor).st_size for descriptor in (1, 2))


def unfit(but: Set[int] = frozenset()) -> str:
    """Why this process must not be forked from, or nothing. but: children that are its supervisors."""
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        return "the import starts a thread, which no forked process would have"
    if set(children_of(os.getpid())) - but:
        return "the import starts a process, which would belong to no run"
    return ""


if __name__ == "__main__":
    as_whom = json.loads(sys.argv[3])
    main(int(sys.argv[1]), sys.argv[2], Account(*as_whom) if as_whom else None)
