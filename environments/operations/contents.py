"""Reads the contents of environments: installed packages from their directories, details from a child process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from environments.backends import prefixes
from environments.backends.base import Failed, Invalid, Package, Request
from environments.config import config
from environments.errors import Refused
from environments.models import Environment
from environments.operations import process

MENDING_SECONDS = 120.0


def request(environment: Environment, action: str, **more: Any) -> Request:
    return Request(
        action,
        environment.backend,
        config(),
        prefix=str(environment.prefix),
        home=str(environment.home),
        **more,
    )


def installed(environment: Environment) -> tuple[Package, ...]:
    """Its packages by name, as its directory says now; none where nothing is there."""
    prefix = environment.prefix
    return _installed(prefix, tuple(_changed(directory) for directory in _records(prefix)))


def _records(prefix: Path) -> list[Path]:
    """The directories in which a package that comes or goes leaves an entry, by which they change."""
    return [prefix / "conda-meta", *sorted(prefix.glob("lib/python3.*/site-packages"))]


def _changed(directory: Path) -> tuple[str, int]:
    try:
        return str(directory), directory.stat().st_mtime_ns
    except OSError:
        return str(directory), 0


@lru_cache(maxsize=256)
def _installed(prefix: Path, _as_of: tuple[tuple[str, int], ...]) -> tuple[Package, ...]:
    return tuple(prefixes.packages(prefix))


def mend(environment: Environment, lock: IO[bytes], pulse: process.Pulse = lambda: "") -> dict[str, Any]:
    """Undoes a change that was cut off; the child's answer. The caller holds the lock.

    Raises Refused when it cannot be undone, or nothing usable is left.
    """
    try:
        done = process.ask(request(environment, "mend"), seconds=MENDING_SECONDS, lock=lock, pulse=pulse)
    except process.Stopped as error:
        raise Refused(_("It took too long to look at the environment.")) from error
    except (Failed, Invalid, OSError) as error:
        raise Refused(str(error)) from error
    if not done.get("exists"):
        raise Refused(_("There is no usable environment in its directory any more."))
    return done
