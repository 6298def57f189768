"""A web process: `gunicorn scheduler_site.wsgi:application --worker-class scheduler_site.front.worker.FrontWorker`.

gunicorn starts it with the listening sockets, watches that it lives, and tells it to end. What `--threads` says is how
many requests it works on at a time; how many connections it has is another matter.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
from email.utils import formatdate
from typing import Any

import uvicorn
from django.conf import settings
from gunicorn.workers.base import Worker
from uvicorn.server import ServerState

from scheduler_site.front import limits
from scheduler_site.front.balance import Balance
from scheduler_site.front.bridge import Bridge
from scheduler_site.front.fair_queue import FairQueue
from scheduler_site.front.protocol import Protocol
from scheduler_site.front.waiting_requests import WaitingRequests

# Seconds that a process with more connections than another leaves it the next one.
LEAVE_SECONDS = 0.005
# The event loop gets its share between threads that compute; Python's usual 5 ms add up to a visible pause.
SWITCH_SECONDS = 0.001


class FrontWorker(Worker):  # type: ignore[misc]
    """The event loop runs in the main thread."""

    def init_process(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        super().init_process()

    def init_signals(self) -> None:
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self._stopping = asyncio.Event()
        self._at_once = False
        self._loop.add_signal_handler(signal.SIGTERM, self._stop)
        for number in (signal.SIGINT, signal.SIGQUIT):
            self._loop.add_signal_handler(number, self._quit)
        self._loop.add_signal_handler(signal.SIGUSR1, self.log.reopen_files)
        signal.signal(signal.SIGABRT, self.handle_abort)

    def run(self) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self._loop.run_until_complete(Front(self).serve(self._stopping))

    def _stop(self) -> None:
        self.alive = False
        self._stopping.set()

    def _quit(self) -> None:
        self._at_once = True
        self._stop()

    @property
    def grace(self) -> float:
        """Seconds for what goes on when it is told to end."""
        return 0.0 if self._at_once else float(self.cfg.graceful_timeout)


class Front:
    """Takes connections until it is told to end, and then lets the requests that go on come to their end."""

    def __init__(self, worker: FrontWorker) -> None:
        self._worker, self._loop = worker, asyncio.get_event_loop()
        self._state = ServerState()
        threads = max(int(worker.cfg.threads), 2)
        self._work = FairQueue(threads, share=max(threads // 4, 1))
        self._probes = FairQueue(2, share=1, name="probe")
        self._looks = FairQueue(2, share=1, name="look")
        self._waits = WaitingRequests(lambda look: self._looks.run("", look), settings.WAITS_PER_ACCOUNT)
        bridge = Bridge(worker.wsgi, self._work, self._probes, self._waits)
        self._config: Any = uvicorn.Config(
            bridge,
            interface="asgi3",
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=limits.IDLE_SECONDS,
        )
        self._config.load()
        self._balance = Balance(worker.age)
        self._open, self._most = 0, most_connections()
        self._opening: set[asyncio.Task[Any]] = set()

    async def serve(self, stopping: asyncio.Event) -> None:
        self._tick()
        for listener in self._listeners:
            listener.setblocking(False)
            self._loop.add_reader(listener, self._take, listener)
        while not stopping.is_set():
            self._tick()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 1)
            if self._worker.ppid != os.getppid():
                break
        await self._end()

    @property
    def _listeners(self) -> list[socket.socket]:
        return [one.sock for one in self._worker.sockets]

    def _tick(self) -> None:
        """Each second: gunicorn sees that the loop turns; the date of answers."""
        self._worker.notify()
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]

    # Connections ----------------------------------------------------------------------------------------------------

    def _take(self, listener: socket.socket, *, left: bool = False) -> None:
        """One connection at a time, and when a sibling has fewer, not before it had time to take this one."""
        if not left and any(other < self._open for other in self._balance.others()):
            self._loop.remove_reader(listener)
            self._loop.call_later(LEAVE_SECONDS, self._take_left, listener)
            return
        try:
            connection, _address = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            # No descriptor is left, whatever holds them.
            self._make_room()
            return
        connection.setblocking(False)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._open >= self._most:
            self._make_room()
        self._count(1)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
        self._opening.add(task)
        task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[Any]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and task.exception():
            self._count(-1)
            self._worker.log.debug("connection_not_opened %r", task.exception())

    def _take_left(self, listener: socket.socket) -> None:
        if self._worker.alive:
            self._take(listener, left=True)
            self._loop.add_reader(listener, self._take, listener)

    def _protocol(self) -> Protocol:
        made = Protocol(config=self._config, server_state=self._state, app_state={}, _loop=self._loop)
        made.on_lost = self._lost
        return made

    def _lost(self) -> None:
        self._count(-1)

    def _count(self, change: int) -> None:
        self._open += change
        self._balance.tell(self._open)

    def _make_room(self) -> None:
        """Ends the connection that has been idle longest; one that is being served is left alone."""
        idle = [one for one in self._state.connections if isinstance(one, Protocol) and one.is_idle]
        if idle:
            min(idle, key=lambda one: one.idle_since).transport.abort()

    # The end --------------------------------------------------------------------------------------------------------

    async def _end(self) -> None:
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._balance.close()
        self._waits.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        deadline = self._loop.time() + self._worker.grace
        while (self._state.connections or self._state.tasks) and self._loop.time() < deadline:
            self._worker.notify()
            if not self._worker.grace:
                break
            await asyncio.sleep(0.05)
        for turns in (self._work, self._probes, self._looks):
            turns.close()


def most_connections() -> int:
    """As many as the system allows this process descriptors, some for other uses left out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.MOST_CONNECTIONS + limits.SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    usable = wanted if soft == resource.RLIM_INFINITY else soft
    return max(min(usable, wanted) - limits.SPARE_DESCRIPTORS, 16)
