"""The serializer of the shared cache, and a cache of one process with a time to live."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class JSONSerializer:
    """For RedisCache. Django's own way is pickle, and whoever can write to Redis could make a process that reads it run their
    code. Whole numbers stay plain digits, which Redis can count up."""

    def dumps(self, value: Any) -> bytes | int:
        """Raises TypeError for what JSON does not know."""
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """What was stored; None, as if there were nothing, for bytes that somebody else has written."""
        try:
            return json.loads(data)
        except ValueError:
            return None


class TTLCache(Generic[Answer]):
    """Caches the result of a function for `seconds`: one thread calls it, the others wait for its result.

    It belongs to one process. Exceptions are raised and not cached.
    """

    def __init__(self, ask: Callable[[], Answer], seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._lock = threading.Lock()
        self._known: tuple[float, Answer] | None = None

    def __call__(self) -> Answer:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > self._seconds:
                answer = self._ask()
                self._known = (time.monotonic(), answer)
            return self._known[1]

    def forget(self) -> None:
        with self._lock:
            self._known = None
