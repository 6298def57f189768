"""Changes of a Conda environment, by rattler.

What was asked for is kept where Conda keeps it, in the `requested_specs` of conda-meta: each change solves anew from there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rattler import PrefixRecord, RepoDataRecord

from environments.backends import prefixes, refused_packages, validators
from environments.backends.base import Config, Failed, Invalid, Progress
from environments.backends.conda import rattler_calls, user_list
from environments.backends.conda.prefix import refuse_absent, refuse_kept, refuse_needed

Requested = dict[str, str]  # the name of a package: what was asked for of it
Records = list[RepoDataRecord]


class Changes:
    def __init__(self, config: Config, progress: Progress) -> None:
        self._config, self._progress = config, progress

    def create(self, prefix: Path, python: str, specs: Sequence[str]) -> None:
        """With Python and pip, as conda does; pip only where the channels have it."""
        wanted = validators.specs(specs, conda=True)
        version = validators.python_version(python)
        self._progress("Reading the index of the channels")
        tool = rattler_calls.Tool(self._config)
        requested = {"python": f"python {version}{'.*' if version.count('.') == 1 else ''}".strip()}
        if tool.versions("pip"):
            requested["pip"] = "pip"
        asked = _asked(wanted)
        if version and "python" in asked:
            raise Invalid("The version of Python is given twice: as such, and among the packages.")
        records = self._solved(tool, requested | asked, [], wanted)
        requested |= asked
        if requested["python"] == "python":
            # From now on it stays at the minor version that was found.
            found = next(str(r.version) for r in records if rattler_calls.name_of(r) == "python")
            requested["python"] = f"python {'.'.join(found.split('.')[:2])}.*"
        _apply(tool, prefix, records, requested, self._progress)
        user_list.remember(prefix)

    def install(self, prefix: Path, specs: Sequence[str]) -> None:
        wanted = validators.specs(specs, conda=True)
        requested = _requested(prefix) | _asked(wanted)
        tool, records = self._changed(prefix, requested, wanted, set())
        _apply(tool, prefix, records, requested, self._progress)

    def remove(self, prefix: Path, names: Sequence[str]) -> None:
        """What only they needed goes with them."""
        wanted = validators.specs(names, conda=True)
        going = {spec.name.lower() for spec in wanted}
        refuse_absent(prefix, going)
        refuse_kept(going)
        requested = {name: spec for name, spec in _requested(prefix).items() if name not in going}
        tool, records = self._changed(prefix, requested, wanted, set())
        staying = {rattler_calls.name_of(record): record.depends for record in records}
        refuse_needed(going & set(staying), staying)
        _apply(tool, prefix, records, requested, self._progress)

    def update(self, prefix: Path, names: Sequence[str]) -> None:
        """Of a package that is named, an earlier wish for a certain version is dropped; Python keeps its minor version."""
        wanted = validators.specs(names, conda=True)
        named = {spec.name.lower() for spec in wanted}
        refuse_absent(prefix, named)
        free = named - {"python"}
        requested = {name: name if name in free else spec for name, spec in _requested(prefix).items()}
        unlocked = named or {str(record["name"]) for record in prefixes.conda_records(prefix)}
        tool, records = self._changed(prefix, requested, wanted, unlocked)
        _apply(tool, prefix, records, requested, self._progress)

    def _changed(
        self,
        prefix: Path,
        requested: Requested,
        wanted: Sequence[validators.Spec],
        unlocked: set[str],
    ) -> tuple[rattler_calls.Tool, Records]:
        """What will be there; versions of what is not `unlocked` change only where they must."""
        self._progress("Reading the index of the channels")
        tool = rattler_calls.Tool(self._config)
        locked = [r for r in rattler_calls.installed(prefix) if rattler_calls.name_of(r) not in unlocked]
        return tool, self._solved(tool, requested, locked, wanted)

    def _solved(
        self,
        tool: rattler_calls.Tool,
        requested: Requested,
        locked: Sequence[PrefixRecord],
        wanted: Sequence[validators.Spec],
    ) -> Records:
        self._progress("Solving")
        try:
            return tool.solve(list(requested.values()), locked)
        except Failed as failure:
            guilty = refused_packages.named_in(str(failure), wanted)
            raise Failed(
                str(failure),
                packages=[spec.conda for spec in guilty],
                details=[_detail(tool, spec, str(failure)) for spec in guilty],
            ) from failure


def _requested(prefix: Path) -> Requested:
    """What was asked for. Where Conda's records say nothing of it, all that is there was."""
    records = prefixes.conda_records(prefix)
    asked: Requested = {}
    for record in records:
        texts = record.get("requested_specs") or [record.get("requested_spec")]
        named = [text for text in texts if isinstance(text, str) and text not in ("", "None")]
        if named:
            asked[record["name"]] = named[-1]
    return asked or {record["name"]: record["name"] for record in records}


def _asked(wanted: Sequence[validators.Spec]) -> Requested:
    """By name; of a package that is named twice, all clauses count."""
    clauses: dict[str, list[str]] = {}
    for spec in wanted:
        clauses.setdefault(spec.name.lower(), []).extend(filter(None, [spec.version]))
    return {name: f"{name} {','.join(versions)}".strip() for name, versions in clauses.items()}


def _apply(
    tool: rattler_calls.Tool, prefix: Path, records: Records, requested: Requested, progress: Progress
) -> None:
    """Of an archive that cannot be had or read, the package is named."""
    try:
        tool.install(records, prefix, list(requested.values()), progress)
    except Failed as failure:
        guilty = [rattler_calls.name_of(record) for record in records if record.file_name in str(failure)]
        raise Failed(
            str(failure), packages=guilty, details=[str(failure)] * len(guilty), broken=failure.broken
        ) from failure


def _detail(tool: rattler_calls.Tool, spec: validators.Spec, text: str) -> str:
    if re.search(rf"No candidates were found for {re.escape(spec.name)}[ .]", text, re.IGNORECASE):
        found = tool.versions(spec.name.lower())
        if not found:
            return f"Package '{spec.name}' not found in available channels"
        return f"Package '{spec.name}' has no version {spec.version} in available channels"
    return refused_packages.sentence(text, spec)
