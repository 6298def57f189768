"""The worker's side: keeps a server running, sends it runs, and monitors each run from the thread that started it."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from environments.os_account import Account, files_of
from scheduler_site.running import descriptors

from .environment import clean_environment, python_path
from .files import remove_tree
from .linux import children_of, descendants_of, send_signal
from .orphans import end_soon
from .run_monitor import RunMonitor
from .values import Ceilings, Finished, Limits, Request, to_wire

CLOSE_SECONDS = 30.0  # for the server to end everything; longer than its own farewell
SEND_SECONDS = 5.0  # a server that reads nothing must not hold up the threads that want runs of it
NAMES_AT_ONCE = 16  # modules in one message, whose names may have 255 characters
INSISTENCE = 3  # so often a server is asked to deal with a silent supervisor before it is replaced itself


Started = tuple[subprocess.Popen[bytes], socket.socket]


class Client:
    """One fork server, started when first needed and again after it died. Any thread may call `run`.

    start: how; it raises OSError where it cannot. apart: the server runs as the account of the jobs already, and learns from
    them what to import.
    """

    def __init__(self, start: Callable[[], Started] | None = None, *, apart: bool = False) -> None:
        self._start = start or start_server
        self._apart = apart
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lifelines: set[socket.socket] = set()
        self._numbers = itertools.count(1)

    def run(
        self,
        request: Request,
        *,
        timeout: float,
        stop_grace: float,
        cancelled: threading.Event,
        log: Callable[[str], None],
        limits: Limits | None = None,
        ceilings: Ceilings | None = None,
        account: Account | None = None,
        suspended: threading.Event | None = None,
        held: int | None = None,
        pulse: Callable[[], None] | None = None,
    ) -> Finished:
        """Run it to its end, at most `timeout` seconds plus the grace; output goes to `log` as it comes.

        account: whom the child runs as, where that is somebody else than this process.
        suspended: the child stands still, and the time limit with it, while this is set.
        held: a descriptor that stays open, here or with the supervisor, until nothing of the child is left.
        pulse: called several times a second, in the thread that called, while the child runs.
        """
        number = next(self._numbers)
        try:
            lifeline, theirs, output, output_end, result, result_end = _channels()
        except OSError as problem:
            return Finished("unavailable", f"There is nothing left to start a job with: {problem}")
        self._lifelines.add(lifeline)
        private = f"{tempfile.gettempdir()}/belfry-{os.urandom(8).hex()}"
        try:
            try:
                descriptors = [theirs.fileno(), output_end, result_end]
                control = self._send({"run": number}, descriptors + ([] if held is None else [held]))
            except OSError as problem:
                return Finished("unavailable", f"The process that starts jobs does not answer: {problem}")
            finally:
                theirs.close()
                os.close(output_end)
                os.close(result_end)
            wire = to_wire(
                request,
                private=private,
                grace=stop_grace,
                limits=limits or Limits(),
                ceilings=ceilings or Ceilings(),
                account=None if self._apart else account,
                learn=self._apart,
            )
            times = itertools.count(1)
            insist = partial(self._insist, number, control, times)
            watch = RunMonitor(lifeline, output, result, log=log, give_up=insist, pulse=pulse)
            return watch.until_finished(
                wire, timeout=timeout, grace=stop_grace, cancelled=cancelled, suspended=suspended
            )
        finally:
            self._lifelines.discard(lifeline)
            lifeline.close()  # if the job still runs (the log sink failed, say), this ends it
            os.close(output)
            os.close(result)
            if os.path.lexists(private):
                with files_of(account):
                    remove_tree(private)  # the supervisor did, unless it was killed

    def close(self) -> None:
        """End the server and every job that still runs, and wait for it."""
        with self._lock:
            self._hang_up()
            process, self._process = self._process, None
        if process is not None:
            try:
                process.wait(CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def hang_up(self) -> None:
        """Tells the server to end, and every job that still runs; waits for neither."""
        with self._lock:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
            self._wake()

    def learn(self, modules: Sequence[str]) -> None:
        """Have them imported for the next runs; in several messages, each of which fits.

        It is no more than a favour: a server that does not read now keeps its runs, and goes without the rest.
        """
        with self._lock, contextlib.suppress(OSError):
            if self._control is None:
                return
            self._control.setblocking(False)
            try:
                for first in range(0, len(modules), NAMES_AT_ONCE):
                    names = list(modules[first : first + NAMES_AT_ONCE])
                    self._control.send(json.dumps({"learn": names}).encode())
            finally:
                self._control.settimeout(SEND_SECONDS)

    @property
    def server_pid(self) -> int | None:
        """The running server's process id, if there is one."""
        return self._process.pid if self._process is not None else None

    def _send(self, message: Mapping[str, Any], descriptors: list[int]) -> socket.socket:
        """One message to the server, over the socket that is returned. Raises OSError.

        A server that a job has stopped goes on; one that is dead, or reads nothing even then, is replaced, once.
        """
        data = json.dumps(message).encode()
        with self._lock:
            for _ in range(2):
                with contextlib.suppress(OSError):
                    control = self._connection()
                    socket.send_fds(control, [data], descriptors)
                    return control
                self._wake()
            self._drop()
            control = self._connection()
            socket.send_fds(control, [data], descriptors)
            return control

    def _connection(self) -> socket.socket:
        if self._process is None or self._control is None or self._process.poll() is not None:
            self._drop()
            self._process, self._control = self._start()
        return self._control

    def _drop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            family = descendants_of(self._process.pid)
            self._process.kill()  # not reaped yet, so the id is still its own
            self._process.wait()
            end_soon(family)
        self._process = self._control = None

    def _insist(self, number: int, control: socket.socket, times: Iterator[int], begun: bool) -> None:
        """A supervisor does not report (its job stopped it, perhaps): the server kills it and what it leaves.

        One that has not `begun` gets a second chance first.

        A server that was stopped itself goes on; one that does nothing even when asked again is replaced, which ends all its
        runs. `control`: the socket by which it got the run; another server knows nothing of it.
        """
        with self._lock:
            if self._control is not control:
                return
            self._wake()
            time = next(times)
            if time > INSISTENCE:
                self._drop()
            elif begun or time > 1:
                with contextlib.suppress(OSError):
                    control.send(json.dumps({"kill": number}).encode())

    def _wake(self) -> None:
        """Jobs run as the same user, and can stop the server; that of another account is the child of its keeper."""
        if self._process is not None and self._process.poll() is None:
            for pid in (self._process.pid, *children_of(self._process.pid)):
                send_signal(pid, signal.SIGCONT)

    def after_fork(self) -> None:
        """In a forked copy of the worker: the server and the runs are the original's."""
        if self._control is not None:
            self._control.close()
        for lifeline in self._lifelines:
            lifeline.close()
        if self._process is not None:
            self._process.returncode = 0  # not our child: nothing to wait for
        self._forget()


def _channels() -> tuple[socket.socket, socket.socket, int, int, int, int]:
    """The lifeline and two pipes, each with its other end; all of them, or OSError and none."""
    ours, theirs = socket.socketpair()
    pipes = list[int]()
    try:
        pipes += os.pipe()
        pipes += os.pipe()
    except OSError:
        ours.close()
        theirs.close()
        for descriptor in pipes:
            os.close(descriptor)
        raise
    output, output_end, result, result_end = pipes
    return ours, theirs, output, output_end, result, result_end


def start_server(
    module: str = "jobs.children.server",
    *arguments: str,
    output: int = subprocess.DEVNULL,
    errors: int | None = None,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Started:
    """A server in a session of its own, so that a signal to the worker's process group does not reach it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(SEND_SECONDS)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(theirs.fileno()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**clean_environment(os.environ), **env, "PYTHONPATH": python_path(os.environ)},
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    with contextlib.suppress(OSError):
        descriptors.restore_limit(process.pid)
    return process, ours


_client = Client()
atexit.register(_client.close)
os.register_at_fork(after_in_child=_client.after_fork)
run, close = _client.run, _client.close
