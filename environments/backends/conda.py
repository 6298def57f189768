"""Conda environments, made by rattler: no installed Conda is needed, and one that is here knows them all the same.

What was asked for is kept where Conda keeps it, in the `requested_specs` of conda-meta: each change solves anew from there.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rattler import PrefixRecord, RepoDataRecord

from environments.backends import conda_user, culprits, grammar, prefixes, rattling
from environments.backends.base import Failed, Found, Invalid, Progress
from environments.backends.conda_prefix import CondaPrefix, refuse_absent, refuse_kept, refuse_needed

_PROBE_SECONDS = 20.0
_VERSIONS_SECONDS = 3600.0

Requested = dict[str, str]  # the name of a package: what was asked for of it
Records = list[RepoDataRecord]


class CondaBackend(CondaPrefix):
    name: ClassVar[str] = "conda"

    def available(self) -> str:
        try:
            versions = rattling.Tool(self.config, retries=0).versions("python", timeout=_PROBE_SECONDS)
        except (Failed, Invalid, OSError) as error:
            return str(error)
        if not versions:
            return (
                f"There is no Python in the channels {', '.join(self.config.channels)}. Set CONDA_CHANNELS."
            )
        return ""

    def python_versions(self) -> list[str]:
        """Kept for an hour; where the channels do not answer, the last that were heard of."""
        kept, age = self._kept_versions()
        if kept and 0 <= age < _VERSIONS_SECONDS:
            return kept
        try:
            found = rattling.Tool(self.config).versions("python")
        except Failed:
            if kept:
                return kept
            raise
        minors = {tuple(map(int, v.split(".")[:2])) for v in found if re.match(r"3\.\d+", v)}
        versions = [f"{major}.{minor}" for major, minor in sorted(minors, reverse=True)]
        self._keep_versions(versions)
        return versions

    @property
    def _versions_file(self) -> Path:
        return Path(self.config.cache_dir, "conda", "python-versions.json")

    def _kept_versions(self) -> tuple[list[str], float]:
        """Those of these channels, and how many seconds ago they were heard."""
        try:
            kept = json.loads(self._versions_file.read_text(encoding="utf-8"))
            if kept["channels"] == [self.config.channel_alias, *self.config.channels]:
                return [str(one) for one in kept["versions"]], time.time() - float(kept["at"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return [], 0.0

    def _keep_versions(self, versions: list[str]) -> None:
        channels = [self.config.channel_alias, *self.config.channels]
        draft = self._versions_file.with_suffix(f".{time.time_ns()}")
        with contextlib.suppress(OSError):
            draft.write_text(json.dumps({"channels": channels, "versions": versions, "at": time.time()}))
            draft.replace(self._versions_file)

    def validate(self, specs: Sequence[str]) -> list[str]:
        return [spec.conda for spec in grammar.specs(specs, conda=True)]

    # Changes -----------------------------------------------------------------------------------------------------------

    def create(self, prefix: Path, python: str, specs: Sequence[str], progress: Progress) -> None:
        """With Python and pip, as conda does; pip only where the channels have it."""
        wanted = grammar.specs(specs, conda=True)
        version = grammar.python_version(python)
        progress("Reading the index of the channels")
        tool = rattling.Tool(self.config)
        requested = {"python": f"python {version}{'.*' if version.count('.') == 1 else ''}".strip()}
        if tool.versions("pip"):
            requested["pip"] = "pip"
        asked = _asked(wanted)
        if version and "python" in asked:
            raise Invalid("The version of Python is given twice: as such, and among the packages.")
        records = self._solved(tool, requested | asked, [], wanted, progress)
        requested |= asked
        if requested["python"] == "python":
            # From now on it stays at the minor version that was found.
            found = next(str(r.version) for r in records if rattling.name_of(r) == "python")
            requested["python"] = f"python {'.'.join(found.split('.')[:2])}.*"
        _apply(tool, prefix, records, requested, progress)
        conda_user.remember(prefix)

    def install(self, prefix: Path, specs: Sequence[str], progress: Progress) -> None:
        wanted = grammar.specs(specs, conda=True)
        requested = _requested(prefix) | _asked(wanted)
        tool, records = self._changed(prefix, requested, wanted, set(), progress)
        _apply(tool, prefix, records, requested, progress)

    def remove(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        """What only they needed goes with them."""
        wanted = grammar.specs(names, conda=True)
        going = {spec.name.lower() for spec in wanted}
        refuse_absent(prefix, going)
        refuse_kept(going)
        requested = {name: spec for name, spec in _requested(prefix).items() if name not in going}
        tool, records = self._changed(prefix, requested, wanted, set(), progress)
        staying = {rattling.name_of(record): record.depends for record in records}
        refuse_needed(going & set(staying), staying)
        _apply(tool, prefix, records, requested, progress)

    def update(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        """Of a package that is named, an earlier wish for a certain version is dropped; Python keeps its minor version."""
        wanted = grammar.specs(names, conda=True)
        named = {spec.name.lower() for spec in wanted}
        refuse_absent(prefix, named)
        free = named - {"python"}
        requested = {name: name if name in free else spec for name, spec in _requested(prefix).items()}
        unlocked = named or {str(record["name"]) for record in prefixes.conda_records(prefix)}
        tool, records = self._changed(prefix, requested, wanted, unlocked, progress)
        _apply(tool, prefix, records, requested, progress)

    def _changed(
        self,
        prefix: Path,
        requested: Requested,
        wanted: Sequence[grammar.Spec],
        unlocked: set[str],
        progress: Progress,
    ) -> tuple[rattling.Tool, Records]:
        """What will be there; versions of what is not `unlocked` change only where they must."""
        progress("Reading the index of the channels")
        tool = rattling.Tool(self.config)
        locked = [r for r in rattling.installed(prefix) if rattling.name_of(r) not in unlocked]
        return tool, self._solved(tool, requested, locked, wanted, progress)

    def _solved(
        self,
        tool: rattling.Tool,
        requested: Requested,
        locked: Sequence[PrefixRecord],
        wanted: Sequence[grammar.Spec],
        progress: Progress,
    ) -> Records:
        progress("Solving")
        try:
            return tool.solve(list(requested.values()), locked)
        except Failed as failure:
            guilty = culprits.named_in(str(failure), wanted)
            raise Failed(
                str(failure),
                packages=[spec.conda for spec in guilty],
                details=[_detail(tool, spec, str(failure)) for spec in guilty],
            ) from failure

    def discover(self) -> list[Found]:
        return []


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


def _asked(wanted: Sequence[grammar.Spec]) -> Requested:
    """By name; of a package that is named twice, all clauses count."""
    clauses: dict[str, list[str]] = {}
    for spec in wanted:
        clauses.setdefault(spec.name.lower(), []).extend(filter(None, [spec.version]))
    return {name: f"{name} {','.join(versions)}".strip() for name, versions in clauses.items()}


def _apply(
    tool: rattling.Tool, prefix: Path, records: Records, requested: Requested, progress: Progress
) -> None:
    """Of an archive that cannot be had or read, the package is named."""
    try:
        tool.install(records, prefix, list(requested.values()), progress)
    except Failed as failure:
        guilty = [rattling.name_of(record) for record in records if record.file_name in str(failure)]
        raise Failed(
            str(failure), packages=guilty, details=[str(failure)] * len(guilty), broken=failure.broken
        ) from failure


def _detail(tool: rattling.Tool, spec: grammar.Spec, text: str) -> str:
    if re.search(rf"No candidates were found for {re.escape(spec.name)}[ .]", text, re.IGNORECASE):
        found = tool.versions(spec.name.lower())
        if not found:
            return f"Package '{spec.name}' not found in available channels"
        return f"Package '{spec.name}' has no version {spec.version} in available channels"
    return culprits.sentence(text, spec)
