"""What a script needs, beside what is installed in its environment."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from django.utils.translation import gettext as _
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from environments.home_directory import Description

MOST = 500  # lines
_MOST_CACHED = 200  # environments

Installed = Mapping[str, str]
_lock = threading.Lock()
_cache: dict[str, tuple[tuple[int, ...], Installed]] = {}


class RequirementRefused(ValueError):
    """Which line is no requirement, and why."""


def parse(text: str) -> list[Requirement]:
    """One name with or without versions in a line; empty lines and comments count for nothing.

    Raises RequirementRefused, also for addresses, extras and conditions: these could not be answered from what is installed.
    """
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    wanted = [_requirement(line) for line in lines if line]
    if len(wanted) > MOST:
        raise RequirementRefused(_("There are more than %(limit)d requirements.") % {"limit": MOST})
    return wanted


def _requirement(line: str) -> Requirement:
    try:
        found = Requirement(line)
    except InvalidRequirement:
        found = None
    if found is None or found.url or found.extras or found.marker:
        text = _(
            "“%(line)s” is not a valid requirement. Enter a package name, optionally with versions, for example pandas>=2.1."
        )
        raise RequirementRefused(text % {"line": line[:200]})
    return found


def unmet(wanted: list[Requirement], installed: Installed) -> list[str]:
    """Those that are not satisfied, each with what is there: `pandas>=2.1 (1.5.3 is installed)`."""
    problems = []
    for requirement in wanted:
        version = installed.get(canonicalize_name(requirement.name))
        if version is None:
            problems.append(f"{requirement} (not installed)")
        elif not _satisfies(requirement, version):
            problems.append(f"{requirement} ({version} is installed)")
    return problems


def _satisfies(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(version, prereleases=True)
    except ValueError:  # a version that PEP 440 does not know
        return not requirement.specifier


def installed(description: Description) -> Installed:
    """Versions by normal name; read again only when something was installed or removed since."""
    series = ".".join(description.python_version.split(".")[:2])
    folders = [
        Path(description.prefix, "conda-meta"),
        Path(description.prefix, "lib", f"python{series}", "site-packages"),
    ]
    stamp = tuple(_changed(folder) for folder in folders)
    with _lock:
        known = _cache.get(description.prefix)
    if known and known[0] == stamp:
        return known[1]
    # Python's word counts where both know a package.
    found = _of_conda(folders[0]) | _of_python(folders[1])
    with _lock:
        if len(_cache) >= _MOST_CACHED:
            _cache.clear()
        _cache[description.prefix] = (stamp, found)
    return found


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _of_python(folder: Path) -> dict[str, str]:
    found = distributions(path=[str(folder)])
    return {canonicalize_name(name): one.version for one in found if (name := one.metadata["Name"])}


def _of_conda(folder: Path) -> dict[str, str]:
    """From the names of the records: `numpy-1.26.4-py311h64a7726_0.json`."""
    parts = [path.stem.rsplit("-", 2) for path in folder.glob("*.json")]
    return {canonicalize_name(part[0]): part[1] for part in parts if len(part) == 3}
