"""Runs a function in a forked process, so that its memory is not inherited by programs that are forked later.

Migrations render hundreds of models, and what a process has once taken for that it keeps: more than a hundred megabytes.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable

from django.db import connections

from scheduler_site.running import fork
from scheduler_site.running.startup import CannotStart


class SeparateProcess:
    """Starts at once. Create it in the main thread."""

    def __init__(self, name: str, work: Callable[[], Iterable[str]]) -> None:
        self._name = name
        connections.close_all()
        fork.settle()
        self._answer, writing = os.pipe()
        self._pid = os.fork()
        if self._pid:
            os.close(writing)
            return
        fork.end_with(lambda: _work(work, writing))

    def news(self) -> list[str]:
        """Waits for the end and returns its messages. Raises CannotStart."""
        with os.fdopen(self._answer, "rb") as answer:
            told = answer.read()
        self.wait()
        if not told:
            raise CannotStart(f"The {self._name} could not be prepared; what stands above says why.")
        found: dict[str, list[str]] = json.loads(told)
        if problem := found.get("problem"):
            raise CannotStart(problem[0])
        return found["news"]

    def wait(self) -> None:
        """Until it has ended, if it has not."""
        if self._pid:
            os.waitpid(self._pid, 0)
            self._pid = 0


def _work(work: Callable[[], Iterable[str]], answer: int) -> int:
    # With new objects, as a thread may have held the old ones' locks.
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115 - a descriptor, for good
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    try:
        told = {"news": list(work())}
    except CannotStart as problem:
        told = {"problem": [str(problem)]}
    except Exception:
        traceback.print_exc()
        return 1
    with os.fdopen(answer, "wb") as writing:
        writing.write(json.dumps(told).encode())
    return 0
