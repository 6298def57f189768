"""The fork server of a worker, which forks a supervisor for each run: `python -m jobs.children.server <descriptor>`.

It reads {"run": n} with three descriptors (lifeline, output, result) or {"kill": n} from its control socket, and
ends itself, its supervisors and all of their jobs at end of file. A fourth descriptor is only kept open by the supervisor, for
as long as anything of the run lives: the lock of an environment, say. It has one thread, so forking is safe, and never
runs a job's code itself.

A supervisor whose run was short and ended by itself waits a moment for another one: half of what a short run costs is the fork
of its supervisor, and the memory that the new process touches for the first time.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from typing import Any

import jobs.classes.base  # noqa: F401 - what every class needs is loaded once, before the forks
from environments import prctl

from .linux import children_of, receive_signals, send_signal
from .run_supervisor import END_SIGNAL, ORPHAN_GRACE, supervise

FAREWELL_SECONDS = ORPHAN_GRACE + 5.0
MOST_DESCRIPTORS = 4
IDLE_SECONDS = 3.0  # for which a supervisor waits for another run


class SupervisorProcess:
    """A supervisor as its server knows it: its run, or since when it has none, and the generation that it was forked from."""

    __slots__ = ("control", "generation", "idle_since", "number")

    def __init__(self, control: socket.socket, number: int, generation: int) -> None:
        self.control, self.generation = control, generation
        self.number: int | None = number
        self.idle_since = 0.0

    @property
    def listens(self) -> bool:
        return self.control.fileno() >= 0

    @property
    def is_idle(self) -> bool:
        return self.listens and self.number is None


class Server:
    """Forks supervisors, reaps them, and kills what a supervisor that was killed has left behind."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._wakeup = receive_signals(END_SIGNAL)
        self._supervisors: dict[int, SupervisorProcess] = {}
        self._generation = 0
        os.environ.pop("PYTHONPATH", None)  # our own way to find this project, not the jobs'

    def serve(self) -> None:
        strays = self._reap()
        while True:
            supervisors = {one.control.fileno(): one for one in self._supervisors.values() if one.listens}
            sources = [self._control.fileno(), self._wakeup, *supervisors]
            readable, _, _ = select.select(sources, [], [], 0.05 if strays else self._patience())
            if self._wakeup in readable:
                os.read(self._wakeup, 4096)
            # Nobody becomes our child without that a supervisor ends.
            if self._wakeup in readable or strays:
                strays = self._reap()
            for descriptor in supervisors.keys() & readable:
                self._hear(supervisors[descriptor])
            self._let_go(time.monotonic() - IDLE_SECONDS)
            if self._control.fileno() in readable and not self._answer():
                return self._farewell()

    def _patience(self) -> float | None:
        """Seconds until the next idle supervisor is to end."""
        idle = [one.idle_since for one in self._supervisors.values() if one.is_idle]
        return max(min(idle) + IDLE_SECONDS - time.monotonic(), 0.0) if idle else None

    def _hear(self, supervisor: SupervisorProcess) -> None:
        """A supervisor has ended its run and is idle, or it has exited."""
        with contextlib.suppress(OSError):
            if supervisor.control.recv(16) and supervisor.generation == self._generation:
                supervisor.number, supervisor.idle_since = None, time.monotonic()
                return
        supervisor.control.close()

    def _let_go(self, since: float) -> None:
        """Ends the supervisors that have been idle since then."""
        for supervisor in self._supervisors.values():
            if supervisor.is_idle and supervisor.idle_since <= since:
                supervisor.control.close()

    def renew(self) -> None:
        """Starts a new generation: supervisors that were forked before get no further run."""
        self._generation += 1
        self._let_go(time.monotonic())

    def _answer(self) -> bool:
        """Do what one message asks; False at end of file."""
        try:
            # The descriptors are no business of a job's programs.
            data, descriptors, _flags, _ = socket.recv_fds(
                self._control, 4096, MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            return False
        if not data:
            return False
        message = json.loads(data)
        if "run" in message and len(descriptors) >= 3:
            self.begin(message["run"], descriptors)
        elif "kill" in message:
            self._kill([pid for pid, one in self._supervisors.items() if one.number == message["kill"]])
        else:
            self.order(message)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def begin(self, number: int, descriptors: list[int]) -> None:
        """Starts a run in an idle supervisor, or in a new one."""
        idle = [(pid, supervisor) for pid, supervisor in self._supervisors.items() if supervisor.is_idle]
        for pid, supervisor in sorted(idle, key=lambda one: -one[1].idle_since):
            send_signal(pid, signal.SIGCONT)  # its last job may have stopped it
            with contextlib.suppress(OSError):
                socket.send_fds(supervisor.control, [b"run"], descriptors)
                supervisor.number = number
                return
        self._fork(number, descriptors)

    def _fork(self, number: int, descriptors: list[int]) -> None:
        server = os.getpid()
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            pid = os.fork()
        except OSError:
            traceback.print_exc()  # the worker sees the lifeline end before the job has started
            return
        if pid:
            theirs.close()
            ours.setblocking(False)
            self._supervisors[pid] = SupervisorProcess(ours, number, self._generation)
            return
        try:
            for supervisor in self._supervisors.values():
                supervisor.control.close()
            ours.close()
            self._control.close()
            os.close(self._wakeup)
            supervise(server, theirs, descriptors)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)

    def order(self, message: dict[str, Any]) -> None:
        """Handles other messages; for subclasses."""

    def _reap(self) -> list[int]:
        """Reap; kill and return the strays: our children that are no supervisors, re-parented from dead ones."""
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                if supervisor := self._supervisors.pop(pid, None):
                    supervisor.control.close()
        strays = [pid for pid in children_of(os.getpid()) if pid not in self._supervisors]
        self._kill(strays)
        return strays

    def _kill(self, pids: list[int]) -> None:
        for pid in pids:
            send_signal(pid, signal.SIGKILL)

    def _farewell(self) -> None:
        """The worker is gone: the supervisors end their jobs, and are killed with them if that takes too long."""
        for pid in self._supervisors:
            send_signal(pid, END_SIGNAL)
        give_up = time.monotonic() + FAREWELL_SECONDS
        while (strays := self._reap()) or self._supervisors:
            if time.monotonic() > give_up:
                self._kill(list(self._supervisors))
            if time.monotonic() > give_up + FAREWELL_SECONDS and strays:
                return  # another user's processes; nothing we may do
            select.select([self._wakeup], [], [], 0.05)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, 4096)


def main(descriptor: int) -> None:
    """Serve the control socket with this descriptor until its other end is closed."""
    prctl.become_subreaper(strict=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o022)  # a worker keeps its files to itself; what a job writes is for whom the job means
    gc.freeze()  # the children share these pages as long as nobody writes to them
    Server(socket.socket(fileno=descriptor)).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
