"""Versions of what one release writes and another reads, while an upgrade is rolled out: definitions of runs, and messages.

An older version is read with defaults for what was added since. A newer version is left alone: the run stays queued, is
announced again, and a newer worker claims it.

To add a key that a worker needs: raise DEFINITION, and say in ADDED what an older definition means by not having it. A key that
means nothing where it is absent is simply read with `get`, without a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executions.models import Execution
from executions.models.definition import VERSION, whole

# 1 is written without a number, as by the releases that had none. Since 2 a row keeps only what its run has for itself, and
# names the rest (executions/ledger/definitions.py).
DEFINITION = 2
MESSAGE = 1
ADDED: dict[int, dict[str, Any]] = {}


def stamped(definition: dict[str, Any]) -> dict[str, Any]:
    """With the version by which it is to be read."""
    return definition | {VERSION: DEFINITION}


def read(run: Execution) -> Any:
    """The whole definition of a run, with its version and with what later ones added."""
    return completed(whole(run.definition, run.shared_body, is_open=run.is_open))


def version_of(definition: object) -> int:
    """The version by which a definition is to be read; 1 where it says none."""
    found = definition.get(VERSION, 1) if isinstance(definition, Mapping) else 1
    return found if isinstance(found, int) else 1


def is_newer(definition: object) -> bool:
    """Whether a release wrote it that comes after this one."""
    return version_of(definition) > DEFINITION


def completed(definition: Any) -> Any:
    """With what later versions added; what is no definition at all stays what it is."""
    if not isinstance(definition, dict):
        return definition
    for version in range(version_of(definition) + 1, DEFINITION + 1):
        definition = ADDED.get(version, {}) | definition
    return definition
