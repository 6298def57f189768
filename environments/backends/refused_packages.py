"""Finds the requested packages that an error message of a tool is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from environments.backends.base import Failed
from environments.backends.validators import Spec

_BRANCHES = " │├└─"


def named_in(text: str, wanted: Sequence[Spec]) -> list[Spec]:
    """The wanted packages that the text names."""
    return [spec for spec in wanted if pattern(spec.key).search(text)]


def pattern(key: str) -> re.Pattern[str]:
    """A canonical name in a text, however its parts are joined there, and not as a part of another name; of `six-1.0` it is."""
    joined = "[-_.]+".join(map(re.escape, key.split("-")))
    return re.compile(rf"(?<![\w.-]){joined}(?!\w|-[^\W\d])", re.IGNORECASE)


def sentence(text: str, spec: Spec) -> str:
    """The first line of the text that names the package, with the lines of a tree below it."""
    lines = text.splitlines()
    named = pattern(spec.key)
    start = next((number for number, line in enumerate(lines) if named.search(line)), None)
    if start is None:
        return text
    end = start + 1
    while end < len(lines) and _depth(lines[end]) > _depth(lines[start]):
        end += 1
    branch = " ".join(line.strip(_BRANCHES) for line in lines[start:end])
    return branch.removeprefix("cause: ").removeprefix("Cannot solve the request because of: ")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(_BRANCHES))


def refusal(details: Mapping[str, str]) -> Failed:
    """Of packages, each with a sentence why."""
    return Failed("\n".join(details.values()), packages=list(details), details=list(details.values()))
