"""The worker's side: keeps a server alive, hands it runs, watches each from the thread that asked."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from .environment import clean_environment, python_path
from .files import remove_tree
from .values import Finished, Limits, Request, to_wire
from .watch import Watch

CLOSE_SECONDS = 30.0  # for the server to end everything; longer than its own farewell


class Client:
    """One fork server, started when first needed and again after it died. Any thread may call `run`."""

    def __init__(self) -> None:
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
        suspended: threading.Event | None = None,
        held: int | None = None,
        pulse: Callable[[], None] | None = None,
    ) -> Finished:
        """Run it to its end, at most `timeout` seconds plus the grace; output goes to `log` as it comes.

        suspended: the child stands still, and the time limit with it, while this is set.
        held: a descriptor that stays open, here or with the warden, until nothing of the child is left.
        pulse: called several times a second, in the thread that called, while the child runs.
        """
        number = next(self._numbers)
        lifeline, theirs = socket.socketpair()
        output, output_end = os.pipe()
        result, result_end = os.pipe()
        self._lifelines.add(lifeline)
        private = str(Path(tempfile.gettempdir(), f"belfry-{secrets.token_hex(8)}"))
        try:
            with theirs, _closing(output_end), _closing(result_end):
                try:
                    descriptors = [theirs.fileno(), output_end, result_end]
                    self._send({"run": number}, descriptors + ([] if held is None else [held]))
                except OSError as problem:
                    return Finished("unavailable", f"The process that starts jobs does not answer: {problem}")
            wire = to_wire(request, private=private, grace=stop_grace, limits=limits or Limits())
            watch = Watch(lifeline, output, result, log=log, give_up=lambda: self._kill(number), pulse=pulse)
            return watch.until_finished(
                wire, timeout=timeout, grace=stop_grace, cancelled=cancelled, suspended=suspended
            )
        finally:
            self._lifelines.discard(lifeline)
            lifeline.close()  # if the job still runs (the log sink failed, say), this ends it
            os.close(output)
            os.close(result)
            remove_tree(private)  # the warden did, unless it was killed

    def close(self) -> None:
        """End the server and every job that still runs, and wait for it."""
        with self._lock:
            process, control = self._process, self._control
            self._process = self._control = None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def server_pid(self) -> int | None:
        """The running server's process id, if there is one."""
        return self._process.pid if self._process is not None else None

    def _send(self, message: dict[str, int], descriptors: list[int]) -> None:
        """One message to the server; a dead one is replaced, once. Raises OSError."""
        data = json.dumps(message).encode()
        with self._lock:
            with contextlib.suppress(OSError):
                socket.send_fds(self._connection(), [data], descriptors)
                return
            self._drop()
            socket.send_fds(self._connection(), [data], descriptors)

    def _connection(self) -> socket.socket:
        if self._process is None or self._control is None or self._process.poll() is not None:
            self._drop()
            self._process, self._control = _start_server()
        return self._control

    def _drop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()  # not reaped yet, so the id is still its own
            self._process.wait()
        self._process = self._control = None

    def _kill(self, number: int) -> None:
        """A warden does not answer (its job stopped it, perhaps): the server kills it and what it leaves."""
        with self._lock, contextlib.suppress(OSError):
            if self._control is not None:
                self._control.send(json.dumps({"kill": number}).encode())

    def after_fork(self) -> None:
        """In a forked copy of the worker: the server and the runs are the original's."""
        if self._control is not None:
            self._control.close()
        for lifeline in self._lifelines:
            lifeline.close()
        if self._process is not None:
            self._process.returncode = 0  # not our child: nothing to wait for
        self._forget()


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def _start_server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A server in a session of its own, so that a signal to the worker's process group does not reach it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "jobs.children.server", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**clean_environment(os.environ), "PYTHONPATH": python_path(os.environ)},
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return process, ours


_client = Client()
atexit.register(_client.close)
os.register_at_fork(after_in_child=_client.after_fork)
run = _client.run
