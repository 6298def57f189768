"""Supervises one job: starts it, measures it, ends it, and exits only when no process of it is left.

Commands arrive on the lifeline as single bytes after the request's line of JSON: `T` ends the job (TERM, the grace,
KILL), `K` kills it at once, `S` suspends it and `C` continues it; end of file means that the worker is gone. Reports go
back as lines of JSON.
"""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH102, PTH118, PTH123

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from typing import Any

from environments import prctl
from environments.os_account import Account, files_of

from . import job_process
from .files import remove_tree
from .linux import descendants_of, die_with_parent, resident_memory, send_signal, state_of
from .usage import EVERY, OFTEN, Usage

END_SIGNAL = signal.SIGUSR1  # from the server, or because it died; service managers send TERM to all: ignored
ORPHAN_GRACE = 10.0  # seconds at most once the worker is gone: its run may soon be given to another
FORK_MARGIN = 4 << 20  # bytes a forked job may grow by before it becomes its program
LEFTOVER_GRACE = 2.0  # seconds at most for what a job that ended by itself leaves behind
SHORT_SECONDS = 2.0  # a run that takes longer gains nothing from a supervisor that is there already
MOST_RUNS = 100  # of one supervisor, which its jobs could harm: they run as the same user
SUSPEND_PASSES = 20  # over the tree at once; what forks faster is stopped by the next looks


def supervise(server: int, control: socket.socket, descriptors: list[int]) -> None:
    """The main loop of a supervisor, forked from the server: the run of these descriptors, then those that `control` brings."""
    wakeup = receive_signals()
    os.setsid()
    die_with_parent(server, END_SIGNAL)
    prctl.become_subreaper(strict=True)
    for left in reversed(range(MOST_RUNS)):
        if len(descriptors) < 3 or not _one_run(control if left else None, wakeup, *descriptors):
            return
        descriptors = _next(control, wakeup)


def _one_run(
    control: socket.socket | None, wakeup: int, lifeline: int, output: int, result: int, *held: int
) -> bool:
    """Whether this process is as good as new afterwards, which it tells `control`; else it ends, with what is open.

    control: none where this is its last run.
    """
    with socket.socket(fileno=lifeline) as line:
        request, orders = _read_request(line)
        if request is None:
            return False
        supervisor = RunSupervisor(request, line, wakeup)
        try:
            ending = supervisor.run(orders, output, result)
        except OSError as problem:  # no room for its directory or for one more process, where nothing has run
            supervisor.report({"lost" if supervisor.has_begun else "unavailable": str(problem)})
            return False
        for descriptor in held:
            os.close(descriptor)
        with contextlib.suppress(OSError):
            # Before the report, which may bring the next run at once.
            if control and supervisor.was_plain:
                control.send(b".")
        supervisor.report(ending)
    return control is not None and supervisor.was_plain


def _next(control: socket.socket, wakeup: int) -> list[int]:
    """The descriptors of the next run; none when there is to be no other."""
    while True:
        readable, _, _ = select.select([wakeup, control.fileno()], [], [])
        if wakeup in readable and END_SIGNAL in os.read(wakeup, 4096):
            return []
        if control.fileno() in readable:
            _data, descriptors, _flags, _ = socket.recv_fds(control, 16, 4)
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)
            return descriptors


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


class RunSupervisor:
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
        self._suspended = False
        self._struck: dict[str, float] = {}  # the limit of the whole tree that ended it, and what was used
        self._account = Account(*request["account"]) if request["account"] else None
        every = OFTEN if request["ceilings"]["memory"] else EVERY
        self._began = time.monotonic()
        self._usage = Usage(self._began, every=every)
        self._inherited = resident_memory(os.getpid()) + FORK_MARGIN

    @property
    def has_begun(self) -> bool:
        """Whether anything of the job may have run."""
        return self._job != 0

    @property
    def was_plain(self) -> bool:
        """Whether the job was short and ended by itself, at its end, and left nothing that had to be ended."""
        return (
            self._kill_at is None
            and not self._abandoned
            and self._status is not None
            and os.WIFEXITED(self._status)
            and time.monotonic() - self._began < SHORT_SECONDS
        )

    def run(self, orders: bytes, output: int, result: int) -> dict[str, Any]:
        """The life of the job; what there is to report of its end."""
        private = self._request["private"]
        os.mkdir(private, 0o700)
        try:
            usual = {"TMPDIR": private, "PYTHONUNBUFFERED": "1"}
            usual |= self._account.variables if self._account else {}
            self._request["env"] = {**usual, **self._request["env"]}
            self._write_files()
            self._hand_over(private)
            problem = self._start(output, result)
            if not problem:
                self.report({"started": self._job})
                self._obey(orders)
            while self._reap():
                self._act()
                self._wait()
        finally:
            with files_of(self._account):
                remove_tree(private)
        return {"unstartable": problem} if problem else self._ending()

    def _write_files(self) -> None:
        for name, text in self._request.pop("files", {}).items():
            path = os.path.join(self._request["private"], name)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(text.encode())
            self._hand_over(path)

    def _hand_over(self, path: str) -> None:
        """To the account of the job, which nobody else runs as yet: the folder is the last thing to be handed over."""
        if self._account:
            os.chown(path, self._account.uid, self._account.gid, follow_symlinks=False)

    def _start(self, output: int, result: int) -> str:
        """Fork the job; what prevented its start, or nothing."""
        reading, writing = os.pipe()
        supervisor = os.getpid()
        # Before the fork, for the job may end this process as soon as it is there; and what may have run is not run again.
        self.report({"begun": True})
        self._job = os.fork()
        if self._job == 0:
            job_process.become(self._request, supervisor, output, result, writing)
        for descriptor in (writing, output, result):
            os.close(descriptor)
        # Closed by a successful exec, or by the job once it has set itself up.
        with open(reading, "rb") as failure:
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
            self._usage.reaped(usage)
            if pid == self._job and self._status is None:
                self._status = status
                # A program's figure starts with the memory of the process it was forked from: only more counts.
                if (own := usage.ru_maxrss * 1024) > self._inherited or "call" in self._request:
                    self._usage.peak = max(self._usage.peak, own)

    def _act(self) -> None:
        now = time.monotonic()
        if self._status is not None and self._kill_at is None:
            self._end(min(self._request["grace"], LEFTOVER_GRACE))
        kill = self._kill_at is not None and now >= self._kill_at
        if now < self._usage.next_look and not kill:
            return
        tree = descendants_of(os.getpid())
        if now >= self._usage.next_look:
            self._usage.look(tree, now)
            self._check_ceilings(len(tree))
        if self._suspended:
            self._halt()
        if kill:
            self._kills += 1
            for pid in tree:
                send_signal(pid, signal.SIGKILL)

    def _check_ceilings(self, processes: int) -> None:
        """Memory and processes are taken away at once: a grace would be one to take more."""
        if self._kill_at is not None:
            return
        used = {"memory": self._usage.memory, "processes": processes, "cpu": self._usage.cpu}
        for name, limit in self._request["ceilings"].items():
            if limit is not None and used[name] > limit:
                self._struck = {name: used[name]}
                self._end(self._request["grace"] if name == "cpu" else 0.0)
                return

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
        until_look = max(self._usage.next_look - time.monotonic(), 0.0)
        if self._kill_at is None:
            return until_look
        if self._kills:  # new ones may have been forked meanwhile; some (another user's) cannot be killed
            return min(0.01 * 2.0 ** min(self._kills, 7), 1.0)
        return min(until_look, max(self._kill_at - time.monotonic(), 0.0))

    def _listen(self, lifeline: socket.socket) -> bytes:
        """Orders from the worker; its disappearance is one too."""
        with contextlib.suppress(OSError):
            if orders := lifeline.recv(64):
                return orders
        self._lifeline = None
        self._end(min(self._request["grace"], ORPHAN_GRACE))
        return b""

    def _obey(self, orders: bytes) -> None:
        for order in orders.decode("latin-1"):
            if order == "K":
                self._end(0.0)
            elif order == "T":
                self._end(self._request["grace"])
            elif order == "S" and self._kill_at is None:
                self._suspended = True
                self._halt()
            elif order == "C":
                self._continue()

    def _halt(self) -> None:
        """Stop everybody, until nobody new appears: a fork may have been under way."""
        for _ in range(SUSPEND_PASSES):
            moving = [pid for pid in descendants_of(os.getpid()) if state_of(pid).moves]
            if not moving:
                return
            for pid in moving:
                send_signal(pid, signal.SIGSTOP)

    def _continue(self) -> None:
        self._suspended = False
        for pid in descendants_of(os.getpid()):
            send_signal(pid, signal.SIGCONT)

    def _end(self, grace: float) -> None:
        """Ask everybody to end, once; a further call can only bring the killing forward."""
        kill_at = time.monotonic() + grace
        if self._kill_at is None:
            self._suspended = False
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
            "abandoned": self._abandoned,
            "struck": self._struck,
            **self._usage.ending(time.monotonic()),
        }

    def report(self, message: dict[str, Any]) -> None:
        """Tell the worker, if there still is one."""
        if self._lifeline is not None:
            with contextlib.suppress(OSError):
                self._lifeline.sendall(json.dumps(message).encode() + b"\n")
