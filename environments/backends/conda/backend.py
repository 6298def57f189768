"""Conda environments, made by rattler: no installed Conda is needed, and one that is here knows them all the same."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from environments.backends import validators
from environments.backends.base import Failed, Found, Invalid, Progress
from environments.backends.conda.prefix import CondaPrefix

if TYPE_CHECKING:
    from environments.backends.conda.changes import Changes
    from environments.backends.conda.rattler_calls import Tool

_PROBE_SECONDS = 20.0
_VERSIONS_SECONDS = 3600.0


class CondaBackend(CondaPrefix):
    name: ClassVar[str] = "conda"

    def available(self) -> str:
        try:
            versions = self._tool(retries=0).versions("python", timeout=_PROBE_SECONDS)
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
            found = self._tool().versions("python")
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
        return [spec.conda for spec in validators.specs(specs, conda=True)]

    def create(self, prefix: Path, python: str, specs: Sequence[str], progress: Progress) -> None:
        self._changes(progress).create(prefix, python, specs)

    def install(self, prefix: Path, specs: Sequence[str], progress: Progress) -> None:
        self._changes(progress).install(prefix, specs)

    def remove(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        self._changes(progress).remove(prefix, names)

    def update(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        self._changes(progress).update(prefix, names)

    def discover(self) -> list[Found]:
        return []

    # Rattler is imported here alone: who validates or lists packages does without it.

    def _changes(self, progress: Progress) -> Changes:
        from environments.backends.conda.changes import Changes

        return Changes(self.config, progress)

    def _tool(self, retries: int = 3) -> Tool:
        from environments.backends.conda.rattler_calls import Tool

        return Tool(self.config, retries=retries)
