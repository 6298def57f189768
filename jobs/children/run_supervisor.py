"""Supervises one job: starts it, measures it, ends it, and exits only when no process of it is left.

Commands arrive on the lifeline as single bytes after the request (its length in HEAD bytes, and what `marshal` makes of it):
`T` ends the job (TERM, the grace, KILL), `K` kills it at once, `S` suspends it and `C` continues it; end of file means that the
worker is gone. Reports go back as lines of JSON.

What a supervisor does for each run, and the run before its class is called, is written for few objects rather than for few
lines. After the fork each page of memory that one of the two processes writes to, if only to count a reference, costs two
microseconds, and each function and each object of a library is on a page of its own.
"""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH102, PTH118, PTH123

from __future__ import annotations

import contextlib
import marshal
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
from .linux import descendants_of, die_with_parent, receive_signals, resident_memory, send_signal, state_of
from .usage import EVERY, FIRST, OFTEN, SOON, Usage

END_SIGNAL = signal.SIGUSR1  # from the server, or because it died; service managers send TERM to all: ignored
ORPHAN_GRACE = 10.0  # seconds at most once the worker is gone: its run may soon be given to another
FORK_MARGIN = 4 << 20  # bytes a forked job may grow by before it becomes its program
LEFTOVER_GRACE = 2.0  # seconds at most for what a job that ended by itself leaves behind
SHORT_SECONDS = 2.0  # a run that takes longer gains nothing from a supervisor that is there already
MOST_RUNS = 100  # of one supervisor, which its jobs could harm: they run as the same user
SUSPEND_PASSES = 20  # over the tree at once; what forks faster is stopped by the next looks
HEAD = 4  # bytes, of the length of a request
BEGUN, STARTED = b'{"begun": true}', b'{"started": true}'


def supervise(server: int, control: socket.socket, descriptors: list[int]) -> None:
    """The main loop of a supervisor, forked from the server: the run of these descriptors, then those that `control` brings."""
    wakeup = receive_signals(END_SIGNAL)
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
    request, orders = _read_request(lifeline)
    if request is None:
        return False
    supervisor = RunSupervisor(request, lifeline, wakeup)
    try:
        ending = supervisor.run(orders, output, result)
    except OSError as problem:  # no room for its directory or for one more process, where nothing has run
        supervisor.report({"lost" if supervisor.has_begun else "unavailable": str(problem)})
        return False
    for descriptor in held:
        os.close(descriptor)
    goes_on = control is not None and supervisor.was_plain
    try:
        # Before the report, which may bring the next run at once.
        if control is not None and goes_on:
            control.send(b".")
    except OSError:
        pass
    supervisor.report(ending)
    os.close(lifeline)
    return goes_on


def _next(control: socket.socket, wakeup: int) -> list[int]:
    """The descriptors of the next run; none when there is to be no other."""
    while True:
        readable, _, _ = select.select([wakeup, control.fileno()], [], [])
        if wakeup in readable and END_SIGNAL in os.read(wakeup, 4096):
            return []
        if control.fileno() in readable:
            return socket.recv_fds(control, 16, 4, socket.MSG_CMSG_CLOEXEC)[1]


def _read_request(lifeline: int) -> tuple[dict[str, Any] | None, bytes]:
    """The request, and the orders that came with it. It is the worker's, which is trusted: so `marshal` will do."""
    received, end = b"", HEAD
    while len(received) < end:
        part = os.read(lifeline, 1 << 16)
        if not part:
            return None, b""
        received += part
        if len(received) >= HEAD:
            end = HEAD + int.from_bytes(received[:HEAD], "big")
    return marshal.loads(received[HEAD:end]), received[end:]  # noqa: S302


class RunSupervisor:
    """One job and everything it starts."""

    def __init__(self, request: dict[str, Any], lifeline: int, wakeup: int) -> None:
        self._request = request
        self._lifeline: int | None = lifeline
        self._wakeup = wakeup
        self._job = 0
        self._status: int | None = None  # of the job, as wait(2) tells it
        self._kill_at: float | None = None  # monotonic; None while nobody wants the job to end
        self._kills = 0
        self._abandoned = False  # by the server
        self._suspended = False
        self._struck: dict[str, float] = {}  # the limit of the whole tree that ended it, and what was used
        self._account = Account(*request["account"]) if request["account"] else None
        self._began = time.monotonic()
        every = OFTEN if "memory" in request["ceilings"] else EVERY
        self._usage = Usage(self._began, every=every, first=FIRST if request["ceilings"] else SOON)
        # A program's figure starts with the memory of the process it was forked from: only more counts.
        self._inherited = 0 if "call" in request else resident_memory(os.getpid()) + FORK_MARGIN

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
            if "files" in self._request:
                self._write_files()
            if self._account:
                self._hand_over(private)
            problem = self._call(output, result) if "call" in self._request else self._execute(output, result)
            if orders and not problem:
                self._obey(orders)
            while self._reap():
                self._act()
                self._wait()
        finally:
            if self._account:
                with files_of(self._account):
                    remove_tree(private)
            else:
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

    def _call(self, output: int, result: int) -> str:
        """Fork the job of a class. What prevents its start it tells as its result."""
        supervisor = os.getpid()
        # Before the fork, for the job may end this process as soon as it is there; and what may have run is not run again.
        self._say(BEGUN + b"\n" + STARTED + b"\n")
        self._job = os.fork()
        if self._job == 0:
            job_process.call(self._request, supervisor, output, result)
        os.close(output)
        os.close(result)
        return ""

    def _execute(self, output: int, result: int) -> str:
        """Fork the job of a program; what prevented its start, or nothing."""
        reading, writing = os.pipe()
        supervisor = os.getpid()
        self._say(BEGUN + b"\n")
        self._job = os.fork()
        if self._job == 0:
            job_process.execute(self._request, supervisor, output, writing)
        for descriptor in (writing, output, result):
            os.close(descriptor)
        # Closed by a successful exec.
        with open(reading, "rb") as failure:
            problem = failure.read().decode(errors="replace")
        if not problem:
            self._say(STARTED + b"\n")
        return problem

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
                if (own := usage.ru_maxrss * 1024) > max(self._inherited, self._usage.peak):
                    self._usage.peak = own

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
        sources = [self._wakeup] if self._lifeline is None else [self._wakeup, self._lifeline]
        readable, _, _ = select.select(sources, [], [], self._pause())
        if self._wakeup in readable and END_SIGNAL in os.read(self._wakeup, 4096):
            self._abandoned = True
            self._end(min(self._request["grace"], ORPHAN_GRACE))
        if self._lifeline is not None and self._lifeline in readable:
            self._obey(self._listen(self._lifeline))

    def _pause(self) -> float:
        until_look = max(self._usage.next_look - time.monotonic(), 0.0)
        if self._kill_at is None:
            return until_look
        if self._kills:  # new ones may have been forked meanwhile; some (another user's) cannot be killed
            return min(0.01 * 2.0 ** min(self._kills, 7), 1.0)
        return min(until_look, max(self._kill_at - time.monotonic(), 0.0))

    def _listen(self, lifeline: int) -> bytes:
        """Orders from the worker; its disappearance is one too."""
        with contextlib.suppress(OSError):
            if orders := os.read(lifeline, 64):
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
        self._say(job_process.to_json(message).encode() + b"\n")

    def _say(self, data: bytes) -> None:
        try:
            while data and self._lifeline is not None:
                data = data[os.write(self._lifeline, data) :]
        except OSError:
            pass
