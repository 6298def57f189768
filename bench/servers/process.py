"""One server process: started, signalled by its id, ended or killed with its family."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 30) -> None:
    """Raises TimeoutError when no process listens on the port in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"Nobody listens on port {port}.")


class Server:
    """A process that the bench starts, signals by its id, and ends."""

    # How it is told to end in good order, and how in a hurry.
    gentle: int = signal.SIGTERM
    hard: int = signal.SIGKILL

    def __init__(self, argv: Sequence[str], log: Path, *, user: str | None = None,
                 env: dict[str, str] | None = None, keep: tuple[int, ...] = (),
                 cwd: Path | None = None) -> None:  # fmt: skip
        self.argv, self.log, self.user, self.env, self.keep = tuple(argv), log, user, env or {}, keep
        self.cwd = cwd
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=self.user, group=self.user, env=os.environ | self.env, pass_fds=self.keep,
                start_new_session=True, cwd=self.cwd,
            )  # fmt: skip

    def send(self, number: int) -> None:
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def end(self, number: int = signal.SIGTERM, seconds: float = 15) -> None:
        self.thaw()
        self.send(number)
        if self.process:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """With all that it started, like a machine that loses its power."""
        if self.process is None:
            return
        with suppress(psutil.NoSuchProcess):
            family = [*psutil.Process(self.process.pid).children(recursive=True)]
            self.send(signal.SIGKILL)
            for child in family:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.wait(15)
