"""Keeps one process per job class in use that has imported the class's module; runs of the class are forked from it.

No run waits for it: until it is ready, and whenever it is out of date, a run imports the module itself.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from environments.os_account import Account

from . import client
from .class_server import READY, UNFIT
from .linux import descendants_of, proportional_memory, send_signal
from .values import Call, Finished, Request

IMPORT_SECONDS = 60.0  # for a module to be imported; longer than that, each run does it by itself
TRIED_AGAIN = 300.0  # seconds after which a module that is not fit for it gets another chance
SWEEP_SECONDS = 10.0


@dataclass(frozen=True)
class PoolLimits:
    """How many class servers there may be, how long one may be idle, and how much memory must stay free."""

    most: int = 8
    idle: float = 600.0  # seconds
    free: int = 512 << 20  # bytes
    memory: int | None = None  # bytes that an import may take
    env: Mapping[str, str] = field(default_factory=dict)  # of the process that imports the module


class Unfit(OSError):
    """Runs cannot be forked from the process after the import: the module has started a thread, say."""


@dataclass
class PooledServer:
    """The process of one class. `problem`: why there is none, since `failed` (monotonic)."""

    path: str
    account: Account | None
    pool_limits: PoolLimits
    client: client.Client | None = None
    problem: str = ""
    failed: float = 0.0
    used: float = field(default_factory=time.monotonic)
    active: int = 0
    retired: bool = False
    known: set[str] = field(default_factory=set)
    told: bool = False
    starter: threading.Thread | None = None
    given_up: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Made in a thread of its own, for an import may take its time."""
        try:
            first = start_class_server(self.path, self.account, self.pool_limits, self.given_up)
        except Exception as problem:  # whatever it is, the runs of the class say so
            self.failed = time.monotonic()
            self.problem = str(problem) if isinstance(problem, OSError) else repr(problem)
            return
        starts = iter([first])

        def once() -> client.Started:
            for started in starts:
                return started
            raise Unfit("it has ended")

        self.client = client.Client(once, apart=True)
        if self.given_up.is_set():  # in the meantime, by one who found no client to close
            self.client.close()


class Pool:
    """`run` of the client, with a process kept for each class. Any thread may call it."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, Account | None], PooledServer] = {}
        self._unteachable: set[str] = set()  # classes whose libraries must not be imported before the run
        self._sweeping = False

    def run(
        self,
        request: Request,
        *,
        pool_limits: PoolLimits,
        log: Callable[[str], None],
        account: Account | None = None,
        **how: Any,
    ) -> Finished:
        """As `client.run` has it."""
        if not isinstance(request, Call):
            return client.run(request, log=log, account=account, **how)
        kept = self._ready(request.path, account, pool_limits, log)
        if kept is not None and kept.client is not None:
            try:
                finished = kept.client.run(request, log=log, account=account, **how)
                if finished.ending not in ("stale", "unavailable"):
                    self._learn(kept, finished)
                    return finished
                if finished.message == UNFIT or (kept.known and kept.client.server_pid is None):
                    self._unteachable.add(request.path)  # what it has learned may be what it died or hung of
                self._retire(kept)
            finally:
                self._release(kept)
        return client.run(request, log=log, account=account, **how)

    def close(self) -> None:
        """End all of them, and every run that goes on there."""
        with self._lock:
            gone, self._kept = list(self._kept.values()), {}
        for kept in gone:
            kept.given_up.set()
        for kept in gone:
            if kept.starter is not None:
                kept.starter.join()
            if kept.client is not None:
                kept.client.hang_up()  # all of them first: they end side by side
        for kept in gone:
            if kept.client is not None:
                kept.client.close()

    def _ready(
        self, path: str, account: Account | None, pool_limits: PoolLimits, log: Callable[[str], None]
    ) -> PooledServer | None:
        """The process of the class, taken; None while there is none, which is mended in the meantime."""
        with self._lock:
            kept = self._kept.get((path, account))
            if kept is not None and kept.pool_limits.env != pool_limits.env:
                self._part_with(kept)
                kept = None
            if kept is None:
                self._make_room(pool_limits)
                if len(self._kept) < pool_limits.most:
                    self._begin(PooledServer(path, account, pool_limits))
                return None
            kept.used = time.monotonic()
            if kept.client is not None:
                kept.active += 1
                return kept
            say = bool(kept.problem) and not kept.told
            kept.told = kept.told or say
        if say:
            log(
                f"The module of this class is imported anew for each run, which takes longer: {kept.problem}.\n"
            )
        return None

    def _begin(self, kept: PooledServer) -> None:
        starter = threading.Thread(target=kept.start, name="class-server", daemon=True)
        sweeper = threading.Thread(target=self._sweep, name="class-servers", daemon=True)
        with contextlib.suppress(RuntimeError):  # no more threads: the run imports the module itself
            if not self._sweeping:
                sweeper.start()
                self._sweeping = True
            starter.start()
            kept.starter = starter
            self._kept[kept.path, kept.account] = kept

    def _make_room(self, pool_limits: PoolLimits) -> None:
        """Ends the one that was unused for the longest time, where there are as many as there may be."""
        idle = sorted((kept.used, key) for key, kept in self._kept.items() if not kept.active)
        if idle and len(self._kept) >= pool_limits.most:
            self._drop(self._kept.pop(idle[0][1]))

    def _learn(self, kept: PooledServer, finished: Finished) -> None:
        new = set(finished.loaded) - kept.known
        if new and kept.client is not None and kept.path not in self._unteachable:
            kept.known |= new
            kept.client.learn([name for name in finished.loaded if name in new])

    def _retire(self, kept: PooledServer) -> None:
        with self._lock:
            self._part_with(kept)

    def _part_with(self, kept: PooledServer) -> None:
        """Starts no new run there; active runs continue."""
        kept.retired = True
        if self._kept.get((kept.path, kept.account)) is kept:
            del self._kept[kept.path, kept.account]
        if not kept.active:
            self._drop(kept)

    def _release(self, kept: PooledServer) -> None:
        with self._lock:
            kept.active -= 1
            kept.used = time.monotonic()
            over = kept.retired and not kept.active
        if over:
            self._drop(kept)

    def _drop(self, kept: PooledServer) -> None:
        kept.given_up.set()
        if kept.client is not None:
            # Without a thread it ends all the same, when nothing refers to its socket any more.
            with contextlib.suppress(RuntimeError):
                threading.Thread(target=kept.client.close, name="class-server-end", daemon=True).start()

    def _sweep(self) -> None:
        while True:
            time.sleep(SWEEP_SECONDS)
            with self._lock:
                for key, kept in list(self._kept.items()):
                    if not kept.active and self._is_over(kept):
                        self._drop(self._kept.pop(key))
                if not self._kept:
                    self._sweeping = False
                    return

    def _is_over(self, kept: PooledServer) -> bool:
        now = time.monotonic()
        if kept.client is None:
            return bool(kept.problem) and now - kept.failed > TRIED_AGAIN
        return now - kept.used > kept.pool_limits.idle or _free_memory() < kept.pool_limits.free

    def after_fork(self) -> None:
        """In a forked copy of the worker: they are the original's."""
        for kept in self._kept.values():
            if kept.client is not None:
                kept.client.after_fork()
        self._forget()


def _free_memory() -> float:
    try:
        return float(psutil.virtual_memory().available)
    except OSError:  # no descriptor left to read it with
        return math.inf


def start_class_server(
    path: str, account: Account | None, pool_limits: PoolLimits, given_up: threading.Event
) -> client.Started:
    """A process that has imported the class. Raises OSError, with the reason in words."""
    with tempfile.TemporaryFile() as output:
        process, control = client.start_server(
            "jobs.children.class_server",
            path,
            json.dumps(account),
            output=output.fileno(),
            errors=output.fileno(),
            env=pool_limits.env,
        )
    try:
        told = _first_words(process, control, pool_limits.memory, given_up)
        if told != READY:
            raise Unfit(json.loads(told)["unfit"] if told else "the import ends the process")
    except BaseException:
        control.close()
        _end(process)
        raise
    control.settimeout(client.SEND_SECONDS)
    return process, control


def _first_words(
    process: subprocess.Popen[bytes], control: socket.socket, most: int | None, given_up: threading.Event
) -> bytes:
    give_up = time.monotonic() + IMPORT_SECONDS
    control.settimeout(0.05)
    while time.monotonic() < give_up and not given_up.is_set():
        with contextlib.suppress(TimeoutError):
            return control.recv(4096)
        family = [process.pid, *descendants_of(process.pid)]
        if most and sum(map(proportional_memory, family)) > most:
            raise Unfit("the import takes more memory than a run may use")
    raise Unfit(f"the import has not ended within {IMPORT_SECONDS:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """It and all that it has started."""
    for pid in [*descendants_of(process.pid), process.pid]:
        send_signal(pid, signal.SIGKILL)
    process.wait()


_pool = Pool()
atexit.register(_pool.close)
os.register_at_fork(after_in_child=_pool.after_fork)
run = _pool.run
