"""What lies in a prefix, read from its files: Conda's records, and the dist-info directories of what pip or uv put there.

No tool is started and nothing is imported from the prefix. Its files may be anything by now: what cannot be read is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from environments.backends.base import Package

_HEADERS = 256 * 1024  # of METADATA, whose description may be long
_RECORD = 64 * 1024 * 1024


@dataclass(frozen=True)
class Distribution:
    """A dist-info directory. requires: names with their markers, unread."""

    name: str
    version: str
    directory: Path
    requires: tuple[str, ...] = field(default=())

    def needs(self) -> set[str]:
        """The canonical names of what it needs here, without extras."""
        needed: set[str] = set()
        for text in self.requires:
            try:
                requirement = Requirement(text)
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    needed.add(canonicalize_name(requirement.name))
            except (InvalidRequirement, ValueError, KeyError):
                continue
        return needed


def packages(prefix: Path) -> list[Package]:
    """By name; of what both know, Conda's word counts."""
    records = conda_records(prefix)
    found = [
        Package(str(r.get("name", "")), str(r.get("version", "")), "conda", str(r.get("build", "")))
        for r in records
    ]
    known = {canonicalize_name(package.name) for package in found}
    owned = {
        Path(str(file)).parent.name for r in records for file in _files(r) if str(file).endswith("/METADATA")
    }
    found += [
        Package(one.name, one.version, "pypi")
        for one in distributions(prefix)
        if canonicalize_name(one.name) not in known and one.directory.name not in owned
    ]
    return sorted(found, key=lambda package: (canonicalize_name(package.name), package.version))


def conda_records(prefix: Path) -> list[dict[str, Any]]:
    """The records of conda-meta, in the order of their names."""
    records = []
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        try:
            if path.stat().st_size > _RECORD:
                continue
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("name"), str):
            records.append(record)
    return records


def _files(record: dict[str, Any]) -> list[Any]:
    files = record.get("files")
    return files if isinstance(files, list) else []


def distributions(prefix: Path) -> list[Distribution]:
    return [found for path in _dist_infos(prefix) if (found := _distribution(path))]


def _dist_infos(prefix: Path) -> Iterator[Path]:
    for library in sorted(prefix.glob("lib/python3.*/site-packages")):
        yield from sorted(library.glob("*.dist-info"))


def _distribution(directory: Path) -> Distribution | None:
    try:
        with (directory / "METADATA").open(encoding="utf-8", errors="replace") as file:
            head = file.read(_HEADERS).partition("\n\n")[0]
    except OSError:
        return None
    headers = re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", head, re.MULTILINE)
    named = {key.lower(): value.strip() for key, value in reversed(headers)}
    if not named.get("name") or not named.get("version"):
        return None
    requires = tuple(value.strip() for key, value in headers if key.lower() == "requires-dist")
    return Distribution(named["name"], named["version"], directory, requires)


def interpreter(prefix: Path) -> Path:
    return prefix / "bin" / "python"


def is_conda(prefix: Path) -> bool:
    """As conda itself judges."""
    return (prefix / "conda-meta" / "history").is_file()


def base_library(prefix: Path) -> list[Path]:
    """The standard library of the interpreter that a virtual environment was made with."""
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return []
    home = re.search(r"^home\s*=\s*(.+)$", settings, re.MULTILINE)
    version = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", settings, re.MULTILINE)
    return [Path(home[1].strip()).parent / "lib" / f"python{version[1]}"] if home and version else []
