"""Belfry's programs as the bench runs them: each by its own command line, started, hurt and ended one by one."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from bench.servers.process import Server
from scheduler_site.running import programs

ALL = ("beat", "io", "code", "system")
STARTERS = {"jobs.children.server", "jobs.children.class_server"}


class Installation:
    """The programs by name: `beat`, `io`, `code`, `system`, and more of one kind as `beat-2`, `code-2`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        # What the environment of all programs has besides: a clock of their own, for instance.
        self.common: dict[str, str] = {}
        # Where the code of the programs is that are started next: another release's, or (None) this one's.
        self.code: Path | None = None
        self._running: dict[str, Server] = {}

    def start(self, *names: str, **extra: str) -> None:
        """Starts programs (all by default), with `extra` variables in their environment."""
        for name in names or ALL:
            log = self._logs / f"{name}.log"
            server = Server(_argv(name), log, env=self.common | extra, cwd=self.code)
            server.start()
            self._running[name] = server

    def serve(self, listener: int) -> None:
        """Starts the web on a socket that is bound already, as the supervisor does."""
        server = Server(
            programs.web(listener).argv, self._logs / "web.log", env=self.common, keep=(listener,)
        )
        server.start()
        self._running["web"] = server

    def said(self, name: str, event: str) -> list[str]:
        """The lines of a program's log with this event."""
        lines = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()
        return [line for line in lines if f" {event}" in line]

    def __getitem__(self, name: str) -> Server:
        return self._running[name]

    def pid(self, name: str) -> int:
        process = self._running[name].process
        assert process is not None
        return process.pid

    def starters(self, name: str) -> list[psutil.Process]:
        """The processes of a worker that start the code of jobs: the fork server, and those that have imported a class."""
        children = psutil.Process(self.pid(name)).children()
        return [child for child in children if STARTERS & set(child.cmdline())]

    def ended(self, name: str) -> bool:
        process = self._running[name].process
        return process is None or process.poll() is not None

    def stop(self, *, number: int = signal.SIGTERM) -> None:
        """All at once, then waits for each, as a deployment does."""
        for server in self._running.values():
            server.thaw()
            server.send(number)
        for server in self._running.values():
            server.end(number, programs.worker_grace())
        self._running.clear()

    def kill(self) -> None:
        for server in self._running.values():
            server.kill()
        self._running.clear()


def _argv(name: str) -> tuple[str, ...]:
    kind, _, number = name.partition("-")
    if kind == "beat":
        return programs.beat().argv
    argv = next(programs.worker(pool) for pool in programs.pools() if pool.queue == kind).argv
    return tuple(f"{word}-{number}" if number and word == f"{kind}@%h" else word for word in argv)


def eventually(true: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
    """Whether it came true within this time."""
    deadline = time.monotonic() + seconds
    while not (done := true()) and time.monotonic() < deadline:
        time.sleep(pause)
    return done
