"""DNS lookups in threads.

The system's resolver cannot be cancelled: a dead name keeps its thread for half a minute. So that dead names hold up nobody,
who asks for a name that is being looked up waits for that answer, there are many threads, and names that took long before
have a few of their own until they answer again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

THREADS, SLOW_THREADS = 128, 16
# Seconds after which a name counts as slow, and for how long.
SLOW, REMEMBERED = 3.0, 600.0
MOST_REMEMBERED = 10_000
Answer = TypeVar("Answer")


class LookupThreads(Generic[Answer]):
    """`submit` is that of an executor, for functions of a host and a port."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "resolve")
        self._slow_threads = ThreadPoolExecutor(SLOW_THREADS, "resolve slowly")
        self._lock = threading.Lock()
        self._going_on: dict[tuple[str, int], list[Future[Answer]]] = {}
        self._slow_until: dict[str, float] = {}

    def submit(self, look: Callable[[str, int], Answer], host: str, port: int) -> Future[Answer]:
        """The answer; each caller has a future of its own, which may be cancelled without harm to the others."""
        answer: Future[Answer] = Future()
        key = (host.lower(), port)
        with self._lock:
            if key in self._going_on:
                self._going_on[key].append(answer)
                return answer
            self._going_on[key] = [answer]
            slow = self._slow_until.get(key[0], 0.0) > time.monotonic()
        try:
            (self._slow_threads if slow else self._threads).submit(self._look, look, host, port, key)
        except RuntimeError:
            # No thread to be had, or the interpreter ends.
            self._going_on.pop(key, None)
            raise
        return answer

    def _look(self, look: Callable[[str, int], Answer], host: str, port: int, key: tuple[str, int]) -> None:
        began, found, problem = time.monotonic(), list[Answer](), None
        try:
            found.append(look(host, port))
        except Exception as error:
            problem = error
        self._remember(key[0], time.monotonic() - began)
        with self._lock:
            waiting = self._going_on.pop(key, [])
        for answer in waiting:
            if answer.set_running_or_notify_cancel():
                if problem is None:
                    answer.set_result(found[0])
                else:
                    answer.set_exception(problem)

    def _remember(self, host: str, seconds: float) -> None:
        with self._lock:
            self._slow_until.pop(host, None)
            if seconds > SLOW:
                self._slow_until[host] = time.monotonic() + REMEMBERED
                if len(self._slow_until) > MOST_REMEMBERED:
                    del self._slow_until[next(iter(self._slow_until))]
