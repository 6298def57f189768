"""What is installed in environments: asked for in a process of its own, and again only when something has changed there."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from environments import reading
from environments.backends.base import Failed, Package
from environments.errors import Refused
from environments.models import Environment

# Lists of packages that are kept, and processes that are asked at once.
MOST, AT_ONCE = 500, 4
Stamp = tuple[object, ...]
_lock = threading.Lock()
_known: dict[str, tuple[Stamp, list[Package]]] = {}


def of(environment: Environment) -> list[Package]:
    """By name; empty where the environment cannot be read."""
    return of_all([environment])[environment.pk]


def of_all(environments: Iterable[Environment]) -> dict[int, list[Package]]:
    found: dict[int, list[Package]] = {}
    unread: list[tuple[Environment, Stamp]] = []
    for environment in environments:
        stamp = _stamp(environment)
        known = _known.get(environment.uid.hex)
        if known and known[0] == stamp:
            found[environment.pk] = known[1]
        else:
            unread.append((environment, stamp))
    if unread:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            found |= dict(threads.map(_read, unread))
    return found


def _read(asked: tuple[Environment, Stamp]) -> tuple[int, list[Package]]:
    environment, stamp = asked
    try:
        packages = reading.installed(environment)
    except (Failed, Refused, OSError):
        return environment.pk, []
    with _lock:
        if len(_known) >= MOST:
            _known.clear()
        _known[environment.uid.hex] = (stamp, packages)
    return environment.pk, packages


def _stamp(environment: Environment) -> Stamp:
    """When it was changed last: by Belfry, or by others who leave their traces in the directories that list packages."""
    prefix = environment.prefix
    folders = [prefix / "conda-meta", *sorted(prefix.glob("lib/python3*/site-packages"))]
    return (environment.measured_at, *(_changed_at(folder) for folder in (prefix, *folders)))


def _changed_at(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
