"""Requests that wait for a row: one query for all of them, a few times a second."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable

from django.db import close_old_connections

from scheduler_site.lib.deferred import FIRST_PAUSE, LONGEST_PAUSE, DeferredRequest, Over

logger = logging.getLogger(__name__)

Asked = Callable[[Callable[[], Collection[int]]], Awaitable[Collection[int]]]


class WaitingRequests:
    """`ask` does a short piece of work in a thread; `bound`: how many requests of an account may wait."""

    def __init__(self, ask: Asked, bound: int) -> None:
        self._ask, self._bound = ask, bound
        self._accounts: Counter[Hashable] = Counter()
        self._ended: dict[tuple[Over, int], list[asyncio.Future[None]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._youngest = 0.0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Whoever waits is answered now."""
        self._closing.set()
        if self._asking is not None:
            self._asking.cancel()
        for futures in self._ended.values():
            for future in futures:
                if not future.done():
                    future.set_result(None)

    async def until(self, kept: DeferredRequest) -> None:
        """Returns when it is over, when its time is, or at once when the account has reached its bound."""
        if self._closing.is_set():
            return
        if not kept.to_the_end and self._accounts[kept.account] >= self._bound:
            return
        loop = asyncio.get_running_loop()
        key, future = (kept.wait.over, kept.wait.key), loop.create_future()
        self._accounts[kept.account] += 1
        self._ended.setdefault(key, []).append(future)
        self._youngest = loop.time()
        if self._asking is None or self._asking.done():
            self._asking = loop.create_task(self._look())
        try:
            await asyncio.wait([future], timeout=kept.wait.seconds)
        finally:
            self._forget(key, future, kept.account)

    def _forget(self, key: tuple[Over, int], future: asyncio.Future[None], account: Hashable) -> None:
        self._ended[key].remove(future)
        if not self._ended[key]:
            del self._ended[key]
        self._accounts[account] -= 1
        if not self._accounts[account]:
            del self._accounts[account]

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while self._ended:
            # Soon after somebody came, as short runs have ended by then; later less often.
            age = loop.time() - self._youngest
            await asyncio.sleep(min(max(age / 3, FIRST_PAUSE), LONGEST_PAUSE))
            for over in {over for over, _key in self._ended}:
                await self._look_at(over)

    async def _look_at(self, over: Over) -> None:
        keys = [key for other, key in self._ended if other == over]
        try:
            ended = await self._ask(lambda: _asked(over, keys))
        except Exception:
            # A database that is away for a moment: their deadlines end them, and the second half says what is wrong.
            logger.warning("waits_not_seen", exc_info=True)
            await asyncio.sleep(1)
            return
        for key in ended:
            for future in self._ended.get((over, key), ()):
                if not future.done():
                    future.set_result(None)


def _asked(over: Over, keys: Collection[int]) -> Collection[int]:
    close_old_connections()
    try:
        return over(keys)
    finally:
        close_old_connections()
