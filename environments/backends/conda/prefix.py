"""What is the same of every Conda prefix, whichever tool made it: it is read from its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from environments.backends import disk, prefixes, refused_packages
from environments.backends.base import Config, DiskUse, Package, Progress
from environments.backends.conda import activation, user_list

# What an environment is made of is not removed from it.
_KEPT = {"python"}


class CondaPrefix:
    def __init__(self, config: Config) -> None:
        self.config = config

    def packages(self, prefix: Path) -> list[Package]:
        return prefixes.packages(prefix)

    def delete(self, prefix: Path, progress: Progress) -> None:
        progress("Deleting the files")
        disk.remove_tree(prefix)
        user_list.forget(prefix)

    def disk_use(self, prefix: Path) -> DiskUse:
        return disk.use(prefix)

    def run_environment(self, prefix: Path) -> dict[str, str]:
        return activation.variables(prefix)


def refuse_absent(prefix: Path, names: set[str]) -> None:
    """Raises Failed where one of them is none of Conda's packages there."""
    found = prefixes.packages(prefix)
    there = {package.name for package in found if package.source == "conda"}
    others = {package.name.lower() for package in found if package.source == "pypi"}
    text = {True: "Package '{}' came from PyPI, not from a channel", False: "Package '{}' is not installed"}
    absent = {name: text[name in others].format(name) for name in sorted(names - there)}
    if absent:
        raise refused_packages.refusal(absent)


def refuse_kept(names: set[str]) -> None:
    text = "Package '{}' is what the environment is made of"
    if names & _KEPT:
        raise refused_packages.refusal({name: text.format(name) for name in sorted(names & _KEPT)})


def refuse_needed(going: set[str], staying: Mapping[str, Iterable[str]]) -> None:
    """Raises Failed where something that stays depends on what is to go. staying: names with what they depend on."""
    needed = {}
    for name in sorted(going):
        by = [
            other for other, depends in staying.items() if any(need.split(" ")[0] == name for need in depends)
        ]
        if by:
            needed[name] = f"Package '{name}' is needed by {', '.join(by)}"
    if needed:
        raise refused_packages.refusal(needed)
