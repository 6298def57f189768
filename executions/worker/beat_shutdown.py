"""Ends a beat between two steps: a signal may arrive in the middle of a database statement.

Celery's own handler would use the same connection at once: psycopg then waits for itself for ever, with the due jobs locked,
so that no other beat gets them either. So a signal that comes during a step waits for its end.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import celery.apps.beat


class DeferredExit:
    """Between the steps a signal ends the process at once; within one, when it is over."""

    def __init__(self) -> None:
        self._depth = 0
        self._asked = False

    def ask(self, *_: Any) -> None:
        """A signal handler. Raises SystemExit unless a step is under way."""
        self._asked = True
        if not self._depth:
            raise SystemExit

    @contextmanager
    def step(self) -> Iterator[None]:
        """Raises SystemExit at its end if that was asked for meanwhile."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._asked and not self._depth:
                raise SystemExit


ending = DeferredExit()


class Beat(celery.apps.beat.Beat):
    """Celery's own program but for its signals; that it takes leave is seen to where its loop ends."""

    def install_sync_handler(self, service: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, ending.ask)
