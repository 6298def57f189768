"""Which backends are available on this host, and the default for new environments.

A system worker asks them in child processes, every few minutes, and leaves the answers in the cache: a request reads those
and waits for nobody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from environments.backends.base import Failed, Found, Invalid, Request
from environments.config import config
from environments.models import Environment
from environments.operations import process

log = logging.getLogger("environments.available_backends")

Backend = Environment.Backend

KEY = "environments:backends"
# Seconds after which a status is refreshed, sooner while a backend is unavailable, and after which it is dropped.
AGAIN, AGAIN_WHEN_AWAY, FORGOTTEN = 300.0, 60.0, 1800
LOOK_SECONDS = 30.0


@dataclass(frozen=True)
class BackendStatus:
    """What is known of a backend. `problem`: why it cannot be used, which address was tried, and what to set."""

    problem: str = ""
    pythons: list[str] = field(default_factory=list)
    found: list[dict[str, str]] = field(default_factory=list)
    at: float = 0.0  # seconds since 1970


def statuses() -> dict[str, BackendStatus]:
    """The last known status of each backend; backends that were never asked are missing."""
    stored: Any = None
    with suppress(RedisError, OSError):
        stored = cache.get(KEY)
    return (
        {name: BackendStatus(**known) for name, known in stored.items()} if isinstance(stored, dict) else {}
    )


def default_backend() -> str:
    """The backend of the settings; `auto` is conda where a channel answered, else pypi."""
    if settings.ENVIRONMENT_BACKEND != "auto":
        return str(settings.ENVIRONMENT_BACKEND)
    conda = statuses().get(Backend.CONDA)
    return Backend.CONDA if conda and not conda.problem else Backend.PYPI


def discovered() -> list[Found]:
    """Environments of an installed conda, without those that are registered."""
    external = statuses().get(Backend.EXTERNAL, BackendStatus())
    known = set(Environment.objects.exclude(registered_prefix="").values_list("registered_prefix", flat=True))
    return [Found(**one) for one in external.found if one["prefix"] not in known]


def refresh_when_due() -> None:
    """Asks the backends whose status is missing or old."""
    known = statuses()
    now = time.time()
    due = [name for name in Backend.values if _is_due(known.get(name), now)]
    if due:
        refresh(due)


def refresh(names: Iterable[str] = tuple(Backend.values)) -> None:
    """Asks these backends now."""
    known = {name: asdict(status) for name, status in statuses().items()}
    for name in names:
        known[name] = asdict(_asked(name))
    cache.set(KEY, known, FORGOTTEN)


def _is_due(status: BackendStatus | None, now: float) -> bool:
    if status is None:
        return True
    age = now - status.at
    # A clock that was set back must not stop the refresh.
    return not 0 <= age < (AGAIN_WHEN_AWAY if status.problem else AGAIN)


def _asked(name: str) -> BackendStatus:
    try:
        problem = str(_ask(name, "available").get("reason", ""))
        pythons = [] if problem else list(_ask(name, "python_versions").get("versions", ()))
        found = [] if problem or name != Backend.EXTERNAL else list(_ask(name, "discover").get("found", ()))
        return BackendStatus(problem, pythons, found, time.time())
    except (Failed, Invalid, process.Stopped, OSError) as error:
        log.info("backend_unknown", extra={"backend": name, "error": str(error)})
        return BackendStatus(problem=str(error) or type(error).__name__, at=time.time())


def _ask(name: str, action: str) -> dict[str, Any]:
    return process.ask(Request(action, name, config()), seconds=LOOK_SECONDS)
