"""Removes what is left of environments on disk, without following links."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db.models import Q

from audit.record import Actor
from environments import home_directory
from environments.backends import disk
from environments.config import AccountUnusable, job_account
from environments.errors import Refused
from environments.models import Environment, EnvironmentQuerySet, Operation
from environments.operations import contents, transitions
from environments.os_account import files_of

log = logging.getLogger("environments.remains")


def remove(home: Path) -> bool:
    """Removes the directory of an environment; false, with a line in the log, where something of it stays."""
    if home.parent != Path(settings.ENVIRONMENTS_DIR):
        raise ValueError(f"{home} is no directory of an environment.")
    try:
        _empty(home)
        disk.remove_tree(home)
    except OSError as error:
        log.warning("remains", extra={"directory": str(home), "error": str(error)})
        return False
    return True


def _empty(home: Path) -> None:
    """What the account that code runs as has made is removed with its rights."""
    with suppress(OSError, AccountUnusable), files_of(job_account()):
        for entry in list(home.iterdir()):
            disk.remove_tree(entry)


def tidy() -> None:
    """What workers that died have left: half-made and half-deleted environments go, changes that were cut off are undone.

    Whoever still holds the lock, such as a child that has not noticed yet, is waited for until the next sweep.
    """
    for environment in _half_done()[:20]:
        lock = home_directory.lock(environment.home, shared=False)
        if lock is None:
            continue
        with lock:
            # Again: it may be somebody's work by now.
            if _half_done().filter(pk=environment.pk).exists():
                _settle(environment, lock)


def _half_done() -> EnvironmentQuerySet:
    """Environments in a transient state without an open operation."""
    states = (Environment.State.CREATING, Environment.State.DELETING)
    half = Q(state__in=states) | Q(state=Environment.State.BROKEN, error=transitions.UNSURE)
    return Environment.objects.filter(half).exclude(operations__state__in=Operation.OPEN)


def _settle(environment: Environment, lock: IO[bytes]) -> None:
    if environment.state != Environment.State.BROKEN:
        if remove(environment.home):
            transitions.dissolve(environment, by=Actor.system(), why=transitions.LOST)
        return
    try:
        transitions.mended(environment, contents.mend(environment, lock))
    except Refused as problem:
        transitions.unmended(environment, str(problem))
