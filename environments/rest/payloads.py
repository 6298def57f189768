"""What requests about environments say, read strictly; 400 for what is not of the right type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from environments.backends.base import Invalid
from environments.errors import Busy, InUse, NameTaken, ReadOnly, Refused
from scheduler_site.rest.views import ApiError

LONGEST_WAIT = 60.0
# What is refused in the end has been read until then: the grammar allows 200.
MOST_PACKAGES = 1000

Result = TypeVar("Result")


def text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise ApiError(400, "Invalid payload", f"{key} must be a text.")
    return (value or "").strip()


def packages(body: Mapping[str, Any], *, required: bool = True) -> list[str]:
    value = body.get("packages")
    if value is None and not required:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ApiError(400, "Invalid payload", "packages must be a list of texts.")
    if required and not value:
        raise ApiError(400, "Invalid payload", "packages must name at least one package.")
    if len(value) > MOST_PACKAGES:
        raise ApiError(400, "Invalid payload", f"packages may name at most {MOST_PACKAGES} packages.")
    return value


def seconds_to_wait(params: Mapping[str, Any]) -> float:
    """How long the answer may wait for the end of the operation: `wait` in the query, 0 to 60, usually 0."""
    try:
        seconds = float(params.get("wait", "0"))
    except ValueError:
        seconds = -1.0
    # Also false for NaN.
    if not 0 <= seconds <= LONGEST_WAIT:
        raise ApiError(400, "Invalid wait", f"Write a number of seconds from 0 to {LONGEST_WAIT:.0f}.")
    return seconds


def carried_out(verb: Callable[[], Result]) -> Result:
    """What a verb gives, its refusals as answers: 400 for what is invalid, 409 for what cannot be done now."""
    try:
        return verb()
    except Invalid as problem:
        raise ApiError(400, "Validation failed", str(problem)) from problem
    except NameTaken as problem:
        raise ApiError(409, "Duplicate environment name", str(problem)) from problem
    except Busy as problem:
        raise ApiError(409, "Environment is busy", str(problem)) from problem
    except InUse as problem:
        raise ApiError(409, "Environment is in use", str(problem)) from problem
    except ReadOnly as problem:
        raise ApiError(409, "Environment is read-only", str(problem)) from problem
    except Refused as problem:
        raise ApiError(409, "Not possible", str(problem)) from problem
