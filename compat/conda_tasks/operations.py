"""Runs operations on environments and waits for their end, as clients of this dialect expect."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings

from audit.record import Actor
from compat.conda_tasks.base import Refused, Steps
from environments import verbs
from environments.models import Operation

# At most this many requests of a web process may wait at once.
MOST_WAITING = 32
# Seconds beyond the timeout of an operation: until a worker claims it, and until it is stopped.
UNTIL_TAKEN, UNTIL_ENDED = 30, 20
_places = BoundedSemaphore(MOST_WAITING)


def carried_out(begin: Callable[[], Operation], by: Actor) -> Steps[Operation]:
    """The operation when it has ended; one that takes too long is cancelled. Raises what `begin` raises; 503."""
    if not _places.acquire(blocking=False):
        raise _later(
            "Too many environments are being changed", "Try again when one of these changes has ended"
        )
    try:
        found, seconds = begin(), settings.ENVIRONMENT_OPERATION_SECONDS + UNTIL_TAKEN
        deadline = time.monotonic() + seconds
        yield verbs.until_ended(found, seconds)
        found.refresh_from_db()
        # Before that time it goes on only because this process ends.
        if found.is_open and time.monotonic() >= deadline:
            verbs.cancel(found, by=by)
            yield verbs.until_ended(found, UNTIL_ENDED)
            found.refresh_from_db()
    finally:
        _places.release()
    if found.is_open:
        raise _later("The change of the environment goes on", "Its process has not answered in time")
    return found


def succeeded(operation: Operation) -> bool:
    return operation.state == Operation.State.SUCCESS


def failure(operation: Operation, packages: Sequence[str]) -> dict[str, Any]:
    """`failed_packages`, all of `packages` where the culprit is unknown; `error_details`; `error`, the tool's own words."""
    error = operation.error or operation.log or str(operation.get_state_display())
    return fault(error, operation.failed_packages, operation.error_details, packages)


def fault(
    error: str, failed: Sequence[str], details: Sequence[str], packages: Sequence[str]
) -> dict[str, Any]:
    known = list(failed) and [_as_asked(one, packages) for one in failed]
    return {
        "failed_packages": known or list(packages),
        "error_details": list(details) or [error.strip().partition("\n")[0]],
        "error": error,
    }


def _as_asked(name: str, packages: Sequence[str]) -> str:
    """The text of the request that a tool's name of a package stands for."""
    return next((text for text in packages if text == name), name)


def _later(message: str, error: str) -> Refused:
    body = {"success": False, "message": message, "error": error}
    return Refused(503, body, {"Retry-After": "10"})
