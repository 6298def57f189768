"""Reads request bodies about environments strictly; 400 for wrong types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NotRequired, TypedDict, TypeVar

from environments.backends.base import Invalid
from environments.backends.validators import LONGEST_SPEC, MOST_SPECS
from environments.errors import Busy, InUse, NameTaken, ReadOnly, Refused
from environments.models import LONGEST_NAME
from scheduler_site.rest.parameters import Seconds
from scheduler_site.rest.schema_types import Rules
from scheduler_site.rest.views import ApiError

WAIT = Seconds("wait", "Seconds to wait for the end of the operation.", default=0)
# What is refused in the end has been read until then: the grammar allows 200.
MOST_PACKAGES = 1000
Result = TypeVar("Result")
Name = Annotated[
    str, "A label: letters, digits, `_`, `-` and `.`.", Rules(maxLength=LONGEST_NAME, examples=["reports"])
]
Specs = Annotated[
    list[Annotated[str, "One of them.", Rules(maxLength=LONGEST_SPEC, examples=["pandas>=2.2,<3"])]],
    "Specifications: a name, with clauses about its version where not any will do.",
    Rules(maxItems=MOST_SPECS),
]


class EnvironmentToMake(TypedDict):
    """What to make."""

    name: Name
    python_version: NotRequired[
        Annotated[str | None, "`3.12` or `3.12.4`; otherwise as the backend likes.", Rules(examples=["3.12"])]
    ]
    packages: NotRequired[Specs | None]
    backend: NotRequired[
        Annotated[
            str | None,
            "`conda` or `pypi`; otherwise as the installation is set up.",
            Rules(examples=["pypi"]),
        ]
    ]


class EnvironmentName(TypedDict):
    """Its new name."""

    name: Name


class EnvironmentToRegister(TypedDict):
    """Which one, and how it is to be called."""

    prefix: Annotated[str, "Its directory, as it was found."]
    name: Name


class PackagesToInstall(TypedDict):
    """What to install."""

    packages: Specs


class PackagesToUpdate(TypedDict, total=False):
    """What to update."""

    packages: Specs | None


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
    """How long the answer may wait for the end of the operation; usually not at all. 400."""
    return WAIT.read(params.get(WAIT.name, "0"))


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
