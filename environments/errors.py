"""Errors of this app's verbs; each text is shown unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext

from environments.backends.base import Invalid


class Refused(Exception):
    """A verb that cannot be carried out."""


class NameTaken(Refused):
    """Another environment has this name."""


class Busy(Refused):
    """Another operation on the environment is open."""


class ReadOnly(Refused):
    """The environment was registered and is not managed by Belfry."""


class InUse(Refused):
    """Jobs use the environment.

    jobs: their rows; scripts: what each of them runs, its path where it has one.
    """

    def __init__(self, text: str, jobs: Sequence[Any]) -> None:
        super().__init__(text)
        self.jobs = list(jobs)
        self.scripts = [str(job.options.get("path") or job.name) for job in self.jobs]


def worded(problem: object) -> str:
    """What a refusal says, in the reader's language where it was put together by the grammar of names and packages."""
    if not isinstance(problem, Invalid):
        return str(problem)
    values = {name: worded(value) for name, value in problem.values.items()}
    return gettext(problem.template) % values if values else gettext(problem.template)
