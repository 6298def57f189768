"""Supervises one job: starts it, measures it, ends it, and does not finish before nothing of it is left.

Orders come up the lifeline as single bytes after the request's line of JSON: `T` ends the job (TERM, the grace,
KILL), `K` kills it at once; end of file means that the worker is gone. Reports go back as lines of JSON.
"""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH102, PTH123

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from typing import Any

from . import job
from .files import remove_tree
from .linux import become_subreaper, descendants_of, die_with_parent, resident_memory, send_signal

END_SIGNAL = (
    signal.SIGUSR1
)  # from the server, or because it died; TERM is ignored, for service managers send it to all
SAMPLE_SECONDS = 0.25
ORPHAN_GRACE = 10.0  # seconds at most once the worker is gone: its run may soon be given to another
FORK_MARGIN = 4 << 20  # bytes a forked job may grow by before it becomes its program
LEFTOVER_GRACE = 2.0  # seconds at most for what a job that ended by itself leaves behind


def supervise(server: int, lifeline: socket.socket, output: int, result: int) -> None:
    """The life of a warden process, forked from the server."""
    wakeup = receive_signals()
    os.setsid()
    die_with_parent(server, END_SIGNAL)
    become_subreaper()
    request, orders = _read_request(lifeline)
    if request is None:
        return
    warden = Warden(request, lifeline, wakeup)
    try:
        warden.run(orders, output, result)
    except OSError as problem:  # no room for its directory or for one more process
        warden.report({"unavailable": str(problem)})


def receive_signals() -> int:
    """CHLD and the end signal become readable bytes on the returned descriptor."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, END_SIGNAL):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    return reading


def _read_request(lifeline: socket.socket) -> tuple[dict[str, Any] | None, bytes]:
    received = bytearray()
    while b"\n" not in received:
        part = lifeline.recv(65536)
        if not part:
            return None, b""
        received += part
    line, _, orders = bytes(received).partition(b"\n")
    return json.loads(line), orders


class Memory:
    """Peak and time-weighted mean of the bytes a process tree occupied."""

    def __init__(self) -> None:
        self.peak = 0
        self._area = 0.0
        self._first = self._last = 0.0
        self._current = 0

    def add(self, size: int, now: float) -> None:
        if not size:
            return
        self._first = self._first or now
        self._area += self._current * (now - (self._last or now))
        self._current, self._last = size, now
        self.peak = max(self.peak, size)

    @property
    def mean(self) -> int:
        elapsed = self._last - self._first
        return int(self._area / elapsed) if elapsed > 0 else self._current


class Warden:
    """One job and everything it starts."""

    def __init__(self, request: dict[str, Any], lifeline: socket.socket, wakeup: int) -> None:
        self._request = request
        self._lifeline: socket.socket | None = lifeline
        self._wakeup = wakeup
        self._job = 0
        self._status: int | None = None  # of the job, as wait(2) tells it
        self._kill_at: float | None = None  # monotonic; None while nobody wants the job to end
        self._kills = 0
        self._abandoned = False  # by the server
        self._memory = Memory()
        self._inherited = resident_memory(os.getpid()) + FORK_MARGIN

    def run(self, orders: bytes, output: int, result: int) -> None:
        private = self._request["private"]
        os.mkdir(private, 0o700)
        try:
            self._request["env"] = {"TMPDIR": private, "PYTHONUNBUFFERED": "1", **self._request["env"]}
            problem = self._start(output, result)
            if not problem:
                self.report({"started": self._job})
                self._obey(orders)
            while self._reap():
                self._act()
                self._wait()
        finally:
            remove_tree(private)
        self.report({"unstartable": problem} if problem else self._ending())

    def _start(self, output: int, result: int) -> str:
        """Fork the job; what prevented its start, or nothing."""
        reading, writing = os.pipe()
        warden = os.getpid()
        self._job = os.fork()
        if self._job == 0:
            job.become(self._request, warden, output, result, writing)
        for descriptor in (writing, output, result):
            os.close(descriptor)
        with open(
            reading, "rb"
        ) as failure:  # closed by a successful exec, or by the job once it has settled in
            return failure.read().decode(errors="replace")

    def _reap(self) -> bool:
        """Collect whoever has ended; False when no descendant is left (each one becomes a child in the end)."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._job and self._status is None:
                self._status = status
                # A program's figure starts with the memory of the process it was forked from: only more counts.
                if (own := usage.ru_maxrss * 1024) > self._inherited or "call" in self._request:
                    self._memory.peak = max(self._memory.peak, own)

    def _act(self) -> None:
        now = time.monotonic()
        if self._status is not None and self._kill_at is None:
            self._end(min(self._request["grace"], LEFTOVER_GRACE))
        tree = descendants_of(os.getpid())
        self._memory.add(sum(map(resident_memory, tree)), now)
        if self._kill_at is not None and now >= self._kill_at:
            self._kills += 1
            for pid in tree:
                send_signal(pid, signal.SIGKILL)

    def _wait(self) -> None:
        """Sleep until a child ends, an order comes or the next sample is due."""
        sources = [self._wakeup] + ([self._lifeline.fileno()] if self._lifeline else [])
        readable, _, _ = select.select(sources, [], [], self._pause())
        if self._wakeup in readable and END_SIGNAL in os.read(self._wakeup, 4096):
            self._abandoned = True
            self._end(min(self._request["grace"], ORPHAN_GRACE))
        if self._lifeline and self._lifeline.fileno() in readable:
            self._obey(self._listen(self._lifeline))

    def _pause(self) -> float:
        if self._kill_at is None:
            return SAMPLE_SECONDS
        if self._kills:  # new ones may have been forked meanwhile; some (another user's) cannot be killed
            return min(0.01 * 2.0 ** min(self._kills, 7), 1.0)
        return min(SAMPLE_SECONDS, max(self._kill_at - time.monotonic(), 0.0))

    def _listen(self, lifeline: socket.socket) -> bytes:
        """Orders from the worker; its disappearance is one too."""
        with contextlib.suppress(OSError):
            if orders := lifeline.recv(64):
                return orders
        self._lifeline = None
        self._end(min(self._request["grace"], ORPHAN_GRACE))
        return b""

    def _obey(self, orders: bytes) -> None:
        if b"K" in orders:
            self._end(0.0)
        elif b"T" in orders:
            self._end(self._request["grace"])

    def _end(self, grace: float) -> None:
        """Ask everybody to end, once; a further call can only bring the killing forward."""
        kill_at = time.monotonic() + grace
        if self._kill_at is None:
            for pid in descendants_of(os.getpid()):
                send_signal(pid, signal.SIGTERM)
                send_signal(pid, signal.SIGCONT)  # a stopped process sees TERM only when it goes on
            self._kill_at = kill_at
        self._kill_at = min(self._kill_at, kill_at)

    def _ending(self) -> dict[str, Any]:
        status = self._status or 0
        killed = os.WIFSIGNALED(status)
        return {
            "code": None if killed else os.WEXITSTATUS(status),
            "signal": os.WTERMSIG(status) if killed else None,
            "peak": self._memory.peak or None,
            "mean": self._memory.mean or None,
            "abandoned": self._abandoned,
        }

    def report(self, message: dict[str, Any]) -> None:
        """Tell the worker, if there still is one."""
        if self._lifeline is not None:
            with contextlib.suppress(OSError):
                self._lifeline.sendall(json.dumps(message).encode() + b"\n")
