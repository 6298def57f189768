"""The web front in this process, on a free port: the real one, with a stand-in for gunicorn's worker."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace
from typing import Any

from django.core.wsgi import get_wsgi_application

from scheduler_site.front.django_calls import Application
from scheduler_site.front.worker import Front


class Site:
    """A running front; `port` on 127.0.0.1."""

    def __init__(self, application: Application | None = None, *, threads: int = 8) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._worker: Any = SimpleNamespace(
            cfg=SimpleNamespace(threads=threads, graceful_timeout=5),
            wsgi=application or get_wsgi_application(),
            sockets=[SimpleNamespace(sock=self._listener)],
            age=1,
            ppid=os.getppid(),
            alive=True,
            grace=5.0,
            log=logging.getLogger("belfry"),
            notify=lambda: None,
        )
        self._thread = threading.Thread(target=self._run)
        self._begun = threading.Event()

    def start(self) -> None:
        self._thread.start()
        assert self._begun.wait(10)

    def stop(self) -> None:
        """Tells it to end, and returns when it has."""
        self._worker.alive = False
        with contextlib.suppress(RuntimeError):  # it was told before, and its loop has ended
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def tell_to_stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)

    @property
    def connections(self) -> int:
        return len(self.front._state.connections)

    def connect(self, seconds: float = 10) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def get(self, path: str, seconds: float = 10, **headers: str) -> tuple[int, bytes]:
        return self.ask("GET", path, None, seconds, headers)

    def ask(
        self, method: str, path: str, body: Any = None, seconds: float = 10, headers: Any = None
    ) -> tuple[int, bytes]:
        """Status and body of an answer; `body` is sent as JSON."""
        headers = {"Host": "127.0.0.1"} | (headers or {})
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)) as connection:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self.front = Front(self._worker)
        self._begun.set()
        await self.front.serve(self._stopping)


@contextmanager
def running(application: Application | None = None, *, threads: int = 8) -> Iterator[Site]:
    site = Site(application, threads=threads)
    site.start()
    try:
        yield site
    finally:
        site.stop()


def read_to_end(connection: socket.socket) -> bytes:
    """Until the server closes, also when it does so by a reset."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def timed(work: Any) -> tuple[Any, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began
