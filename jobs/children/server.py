"""The warm process that has wardens for the runs: `python -m jobs.children.server <descriptor>`.

It reads {"run": n} with three descriptors (lifeline, output, result) or {"kill": n} from its control socket, and
ends itself, its wardens and all of their jobs at end of file. A fourth descriptor is only kept open by the warden, for
as long as anything of the run lives: the lock of an environment, say. It has one thread, so forking is safe, and never
runs a job's code itself.

A warden whose run was short and ended by itself waits a moment for another one: half of what a short run costs is the fork
of its warden, and the memory that the new process touches for the first time.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from typing import Any

import jobs.classes.base  # noqa: F401 - what every class needs is loaded once, before the forks

from .linux import become_subreaper, children_of, send_signal
from .warden import END_SIGNAL, ORPHAN_GRACE, receive_signals, supervise

FAREWELL_SECONDS = ORPHAN_GRACE + 5.0
MOST_DESCRIPTORS = 4
IDLE_SECONDS = 3.0  # for which a warden waits for another run


class Ward:
    """A warden as its server knows it: the run that it has, or none since when, and of which state of the server it is."""

    __slots__ = ("control", "generation", "idle_since", "number")

    def __init__(self, control: socket.socket, number: int, generation: int) -> None:
        self.control, self.generation = control, generation
        self.number: int | None = number
        self.idle_since = 0.0

    @property
    def listens(self) -> bool:
        return self.control.fileno() >= 0


class Server:
    """Forks wardens, buries them, and kills what a warden that was killed has left behind."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._wakeup = receive_signals()
        self._wardens: dict[int, Ward] = {}
        self._generation = 0

    def serve(self) -> None:
        while True:
            strays = self._bury()
            wardens = {ward.control.fileno(): ward for ward in self._wardens.values() if ward.listens}
            sources = [self._control.fileno(), self._wakeup, *wardens]
            readable, _, _ = select.select(sources, [], [], 0.05 if strays else self._patience())
            if self._wakeup in readable:
                os.read(self._wakeup, 4096)
            for descriptor in wardens.keys() & readable:
                self._hear(wardens[descriptor])
            self._let_go(time.monotonic() - IDLE_SECONDS)
            if self._control.fileno() in readable and not self._answer():
                return self._farewell()

    def _patience(self) -> float | None:
        """Until the next of those who have nothing to do is let go."""
        idle = [ward.idle_since for ward in self._wardens.values() if ward.listens and ward.number is None]
        return max(min(idle) + IDLE_SECONDS - time.monotonic(), 0.0) if idle else None

    def _hear(self, ward: Ward) -> None:
        """It has ended its run and wants another, or it has ended itself."""
        with contextlib.suppress(OSError):
            if ward.control.recv(16) and ward.generation == self._generation:
                ward.number, ward.idle_since = None, time.monotonic()
                return
        ward.control.close()

    def _let_go(self, since: float) -> None:
        """Those who have had nothing to do since then end."""
        for ward in self._wardens.values():
            if ward.listens and ward.number is None and ward.idle_since <= since:
                ward.control.close()

    def renew(self) -> None:
        """What the wardens were forked from is not what they would be forked from now: none of them gets another run."""
        self._generation += 1
        self._let_go(time.monotonic())

    def _answer(self) -> bool:
        """Do what one message asks; False at end of file."""
        try:
            data, descriptors, _flags, _ = socket.recv_fds(self._control, 4096, MOST_DESCRIPTORS)
        except ConnectionError:
            return False
        if not data:
            return False
        for descriptor in descriptors:  # they arrive inheritable, and are no business of a job's programs
            os.set_inheritable(descriptor, False)
        message = json.loads(data)
        if "run" in message and len(descriptors) >= 3:
            self.begin(message["run"], descriptors)
        elif "kill" in message:
            self._kill([pid for pid, ward in self._wardens.items() if ward.number == message["kill"]])
        else:
            self.order(message)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def begin(self, number: int, descriptors: list[int]) -> None:
        """A run: by a warden that has nothing to do, or by a new one."""
        idle = [(pid, ward) for pid, ward in self._wardens.items() if ward.listens and ward.number is None]
        for pid, ward in sorted(idle, key=lambda one: -one[1].idle_since):
            send_signal(pid, signal.SIGCONT)  # its last job may have stopped it
            with contextlib.suppress(OSError):
                socket.send_fds(ward.control, [b"run"], descriptors)
                ward.number = number
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
            self._wardens[pid] = Ward(ours, number, self._generation)
            return
        try:
            for ward in self._wardens.values():
                ward.control.close()
            ours.close()
            self._control.close()
            os.close(self._wakeup)
            supervise(server, theirs, descriptors)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)

    def order(self, message: dict[str, Any]) -> None:
        """What else a message may ask of a server of another kind."""

    def _bury(self) -> list[int]:
        """Reap; kill and return the strays: our children that are no wardens, re-parented from dead ones."""
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                if ward := self._wardens.pop(pid, None):
                    ward.control.close()
        strays = [pid for pid in children_of(os.getpid()) if pid not in self._wardens]
        self._kill(strays)
        return strays

    def _kill(self, pids: list[int]) -> None:
        for pid in pids:
            send_signal(pid, signal.SIGKILL)

    def _farewell(self) -> None:
        """The worker is gone: the wardens end their jobs, and are killed with them if that takes too long."""
        for pid in self._wardens:
            send_signal(pid, END_SIGNAL)
        give_up = time.monotonic() + FAREWELL_SECONDS
        while (strays := self._bury()) or self._wardens:
            if time.monotonic() > give_up:
                self._kill(list(self._wardens))
            if time.monotonic() > give_up + FAREWELL_SECONDS and strays:
                return  # another user's processes; nothing we may do
            select.select([self._wakeup], [], [], 0.05)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, 4096)


def main(descriptor: int) -> None:
    """Serve the control socket with this descriptor until its other end is closed."""
    become_subreaper()
    os.umask(0o022)  # a worker keeps its files to itself; what a job writes is for whom the job means
    gc.freeze()  # the children share these pages as long as nobody writes to them
    Server(socket.socket(fileno=descriptor)).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
