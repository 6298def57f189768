"""A fair queue for threads: clients take turns, so that a thousand requests of one do not delay another."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class FairQueue:
    """`places` threads. One client leaves `share` of them free for others; while these have work, it has no more than as many.

    To be used from the event loop.
    """

    def __init__(self, places: int, share: int, name: str = "request") -> None:
        self._executor = ThreadPoolExecutor(places, thread_name_prefix=name)
        self._places, self._free, self._share = places, places, share
        self._working: dict[str, int] = {}
        # By client, the one whose turn it is first.
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def run(self, client: str, work: Callable[[], T]) -> T:
        """What `work` gives, done in a thread when it is this client's turn."""
        await self._turn(client)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._leave(client)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, client: str) -> None:
        if self._free and self._may(client):
            self._enter(client)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(client)
            raise

    def _may(self, client: str) -> bool:
        """The threads of a process share one processor: who has many of them makes the others' work slow."""
        others = (self._working.keys() | self._waiting.keys()) - {client}
        return self._working.get(client, 0) < (self._share if others else self._places - self._share)

    def _enter(self, client: str) -> None:
        self._free -= 1
        self._working[client] = self._working.get(client, 0) + 1

    def _leave(self, client: str) -> None:
        self._free += 1
        self._working[client] -= 1
        if not self._working[client]:
            del self._working[client]
        while self._free and (following := self._next()) is not None:
            following.set_result(None)

    def _next(self) -> asyncio.Future[None] | None:
        for client in list(self._waiting):
            queue = self._waiting[client]
            while queue and queue[0].done():
                queue.popleft()
            if not queue:
                del self._waiting[client]
            elif self._may(client):
                self._enter(client)
                self._waiting.move_to_end(client)
                return queue.popleft()
        return None
