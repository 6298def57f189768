"""The warm process that forks a warden for each run: `python -m jobs.children.server <descriptor>`.

It reads {"run": n} with three descriptors (lifeline, output, result) or {"kill": n} from its control socket, and
ends itself, its wardens and all of their jobs at end of file. A fourth descriptor is only kept open by the warden, for
as long as anything of the run lives: the lock of an environment, say. It has one thread, so forking is safe, and never
runs a job's code itself.
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


class Server:
    """Forks wardens, buries them, and kills what a warden that was killed has left behind."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._wakeup = receive_signals()
        self._wardens: dict[int, int] = {}  # pid -> number of the run

    def serve(self) -> None:
        while True:
            strays = self._bury()
            sources = [self._control.fileno(), self._wakeup]
            readable, _, _ = select.select(sources, [], [], 0.05 if strays else None)
            if self._wakeup in readable:
                os.read(self._wakeup, 4096)
            if self._control.fileno() in readable and not self._answer():
                return self._farewell()

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
            self.fork(message["run"], *descriptors[:3])
        elif "kill" in message:
            self._kill([pid for pid, number in self._wardens.items() if number == message["kill"]])
        else:
            self.order(message)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def fork(self, number: int, lifeline: int, output: int, result: int) -> None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            traceback.print_exc()  # the worker sees the lifeline end before the job has started
            return
        if pid:
            self._wardens[pid] = number
            return
        try:
            self._control.close()
            os.close(self._wakeup)
            supervise(server, socket.socket(fileno=lifeline), output, result)
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
                self._wardens.pop(pid, None)
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
