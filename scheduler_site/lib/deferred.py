"""Deferred responses: a request waits for the end of a run or an operation without holding a thread.

A view says what it waits for and what it will answer then. The web front (scheduler_site/front) keeps the request, asks
for all that are waiting with one query, and calls the view's second half in a thread again. Under another server, and in
tests, the thread of the request waits.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse, HttpResponseBase

# A server that can keep a request says so here.
KEPT = "belfry.front"
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25

Over = Callable[[Collection[int]], Collection[int]]


@dataclass(frozen=True)
class Wait:
    """For the row with the key `key`, at most `seconds`. `over`: those of many keys for which nobody need wait any more."""

    key: int
    seconds: float
    over: Over

    def here(self) -> None:
        """Waits in this thread."""
        deadline, pause = time.monotonic() + self.seconds, FIRST_PAUSE
        while not self.over([self.key]) and (remaining := deadline - time.monotonic()) > 0:
            time.sleep(min(pause, remaining))
            pause = min(pause * 1.5, LONGEST_PAUSE)


@dataclass
class DeferredRequest:
    """The second half of a request. `account`: whose bound it counts for; `finish` is called from any thread, once.

    `to_the_end`: it does more than answer, so it is done for a client that has left too, and counts for no bound.
    """

    wait: Wait
    account: Hashable
    then: Callable[[], HttpResponseBase]
    to_the_end: bool = False
    _context: contextvars.Context = field(default_factory=contextvars.copy_context)

    def finish(self) -> HttpResponseBase:
        # In the language, and with whatever else the first half had set.
        return self._context.run(self.then)


class DeferredResponse(HttpResponse):
    """A placeholder for a response that comes later; headers that middleware adds are copied to that response."""

    def __init__(self, kept: DeferredRequest) -> None:
        super().__init__()
        self.kept = kept


def later(
    request: HttpRequest,
    wait: Wait,
    then: Callable[[], HttpResponseBase],
    *,
    account: Hashable = None,
    to_the_end: bool = False,
    after: Callable[[], HttpResponseBase] | None = None,
) -> HttpResponseBase:
    """Responds with the result of `then` as soon as `wait` is over.

    `after` is asked instead when the view has returned by then: it also does what the view's base does with an answer.
    """
    if wait.seconds <= 0 or wait.over([wait.key]):
        return then()
    if request.META.get(KEPT):
        return DeferredResponse(DeferredRequest(wait, account, after or then, to_the_end))
    wait.here()
    return then()
