"""Locks the environment of a script during its run, so that its packages are not changed."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from django.conf import settings

from environments import home_directory
from environments.home_directory import Description
from jobs.children.deadline import Deadline

LOOK_SECONDS = 0.25


class Absent(Exception):
    """The environment is not (whole) on this host; the text says which, and what to do."""


class NotInTime(Exception):
    """The run was stopped (`stopped`), or its time was over, while an operation had the environment."""

    def __init__(self, *, stopped: bool) -> None:
        super().__init__()
        self.stopped = stopped


@contextlib.contextmanager
def held(
    environment: str,
    clock: Deadline,
    *,
    cancelled: threading.Event,
    suspended: threading.Event | None,
    note: Callable[[str], None],
) -> Iterator[tuple[Description, IO[bytes]]]:
    """The description and the lock's file, which is closed at the end. Raises Absent or NotInTime."""
    home = _home(environment)
    lock = _lock(home)
    if lock is None:
        note("Waiting: the environment is being changed.")
    while lock is None:
        if suspended and suspended.is_set() != clock.stands:
            clock.stand(still=suspended.is_set())
        if cancelled.wait(min(LOOK_SECONDS, max(clock.left, 0.0))) or clock.is_over:
            raise NotInTime(stopped=cancelled.is_set())
        lock = None if clock.stands else _lock(home)
    with lock:
        yield _description(home), lock


def _home(environment: str) -> Path:
    if not environment:
        raise Absent("The job names no environment: choose one.")
    home = Path(settings.ENVIRONMENTS_DIR, environment)
    if not home.is_dir():
        raise Absent(_missing(home))
    return home


def _lock(home: Path) -> IO[bytes] | None:
    try:
        return home_directory.lock(home, shared=True)
    except FileNotFoundError as problem:
        raise Absent(_missing(home)) from problem
    except OSError as problem:
        raise Absent(f"The environment {home.name} cannot be locked: {problem}") from problem


def _description(home: Path) -> Description:
    description = home_directory.read(home)
    if description is None:
        raise Absent(_missing(home))
    if not os.access(description.python, os.X_OK):
        raise Absent(
            f"The interpreter of the environment {home.name} is not there: {description.python}. "
            "Make the environment anew, or choose another one for the job."
        )
    return description


def _missing(home: Path) -> str:
    return (
        f"The environment {home.name} does not exist on this host ({home} has no description of one). "
        "Create it, or choose another one for the job; where workers run on several hosts, "
        "ENVIRONMENTS_DIR must be a directory that all of them share."
    )
