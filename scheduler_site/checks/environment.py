"""Warns of environment variables that look like a misspelled setting."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, register

from scheduler_site.lib import env

# As people write the names of settings of other programs.
PREFIXES = ("BELFRY_", "DJANGO_")
# Kubernetes sets these for a service that is called belfry.
OF_SERVICES = ("HOST", "PORT")
SIMILAR, SHORTEST = 0.88, 6


@register()
def settings_that_are_none(**_: Any) -> Iterable[CheckMessage]:
    return list(_messages(os.environ, env.read))


def _messages(names: Iterable[str], known: Iterable[str]) -> Iterator[CheckMessage]:
    known = sorted(known)
    for name in sorted(names):
        if meant := _meant(name, known):
            hint = f"Is {meant} meant? docs/configuration.md has all settings."
            yield checks.Warning(
                f"The variable {name} is no setting and is not read.", hint=hint, id="belfry.W050"
            )


def _meant(name: str, known: list[str]) -> str:
    if name in known or len(name) < SHORTEST:
        return ""
    for prefix in PREFIXES:
        if (rest := name.removeprefix(prefix)) != name and rest in known and rest not in OF_SERVICES:
            return rest
    close = get_close_matches(name.upper(), known, n=1, cutoff=SIMILAR)
    return close[0] if close else ""
