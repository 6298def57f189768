"""Environments of PyPI packages: made and filled by uv, which is installed with Belfry.

Packages come from where pip is configured to look, unless the settings say otherwise. Interpreters are never downloaded.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import uv
from packaging.utils import canonicalize_name

from environments.backends import disk, pip_config, prefixes, processes, refused_packages, validators
from environments.backends.base import Config, DiskUse, Failed, Found, Package, Progress

# Of Python before this uv makes no environments.
_OLDEST = (3, 8)


class PypiBackend:
    name: ClassVar[str] = "pypi"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._deadline = time.monotonic() + config.timeout

    def available(self) -> str:
        """The index is not asked: an environment can be made without it, and what it has shows when packages are wanted."""
        try:
            result = processes.run([uv.find_uv_bin(), "--version"], timeout=10)
        except (FileNotFoundError, Failed) as error:
            return f"uv cannot be started: {error}"
        return "" if result.status == 0 else f"uv cannot be started: {result.errors.strip()}"

    def python_versions(self) -> list[str]:
        listed = self._run(["python", "list", "--only-installed", "--output-format", "json"]).output
        found = {
            (parts["major"], parts["minor"])
            for parts in (one["version_parts"] for one in json.loads(listed or "[]"))
            if (parts["major"], parts["minor"]) >= _OLDEST
        }
        return [f"{major}.{minor}" for major, minor in sorted(found, reverse=True)]

    def validate(self, specs: Sequence[str]) -> list[str]:
        return [spec.pypi for spec in validators.specs(specs, conda=False)]

    def create(self, prefix: Path, python: str, specs: Sequence[str], progress: Progress) -> None:
        wanted = self.validate(specs)
        interpreter = validators.python_version(python) or self.config.python or sys.executable
        self._run(["venv", "--no-project", "--python", interpreter, "--", str(prefix)], progress)
        bundled = _bundled_pip(prefix)
        if bundled:
            index = pip_config.Index(url="", find_links=(str(bundled),))
            self._pip("install", prefix, ["--no-index", "--", "pip"], progress, index)
        if wanted:
            self.install(prefix, wanted, progress)

    def install(self, prefix: Path, specs: Sequence[str], progress: Progress) -> None:
        self._install(prefix, specs, [], progress)

    def update(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        wanted = validators.names(names, conda=False)
        self._refuse_absent(prefix, wanted)
        wanted = wanted or [package.name for package in self.packages(prefix)]
        if not wanted:
            return
        self._install(prefix, wanted, [f"--upgrade-package={name}" for name in wanted], progress)

    def _install(
        self, prefix: Path, specs: Sequence[str], options: Sequence[str], progress: Progress
    ) -> None:
        """Raises Failed when what is there afterwards does not fit together any more."""
        wanted = validators.specs(specs, conda=False)
        before = self._conflicts(prefix)
        index = self._index()
        options = [*options, *(f"--constraints={path}" for path in index.constraints)]
        if not index.url and not index.extra:
            options.append("--no-index")
        arguments = [*options, "--", *(spec.pypi for spec in wanted)]
        self._pip("install", prefix, arguments, progress, index, wanted)
        conflicts = sorted(self._conflicts(prefix) - before)
        if conflicts:
            text = "\n".join(conflicts)
            guilty = refused_packages.named_in(text, wanted)
            raise Failed(
                text,
                packages=[spec.pypi for spec in guilty],
                details=[refused_packages.sentence(text, spec) for spec in guilty],
            )

    def remove(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        wanted = validators.names(names, conda=False)
        self._refuse_absent(prefix, wanted)
        self._refuse_needed(prefix, wanted)
        self._pip("uninstall", prefix, ["--", *wanted], progress)

    def _refuse_absent(self, prefix: Path, names: Sequence[str]) -> None:
        there = {canonicalize_name(package.name) for package in self.packages(prefix)}
        absent = [name for name in names if canonicalize_name(name) not in there]
        if absent:
            raise refused_packages.refusal({name: f"Package '{name}' is not installed" for name in absent})

    def _refuse_needed(self, prefix: Path, names: Sequence[str]) -> None:
        """uv would remove what others need, and say nothing."""
        going = {canonicalize_name(name): name for name in names}
        staying = [d for d in prefixes.distributions(prefix) if canonicalize_name(d.name) not in going]
        needed = {
            going[key]: [d.name for d in staying if key in d.needs()]
            for key in going
            if any(key in d.needs() for d in staying)
        }
        if needed:
            raise refused_packages.refusal(
                {name: f"Package '{name}' is needed by {', '.join(by)}" for name, by in needed.items()}
            )

    def packages(self, prefix: Path) -> list[Package]:
        return prefixes.packages(prefix)

    def delete(self, prefix: Path, progress: Progress) -> None:
        progress("Deleting the files")
        disk.remove_tree(prefix)

    def disk_use(self, prefix: Path) -> DiskUse:
        return disk.use(prefix)

    def run_environment(self, prefix: Path) -> dict[str, str]:
        return {"VIRTUAL_ENV": str(prefix), "PATH": str(prefix / "bin")}

    def discover(self) -> list[Found]:
        return []

    # uv ----------------------------------------------------------------------------------------------------------------

    def _conflicts(self, prefix: Path) -> set[str]:
        """What `uv pip check` complains of, one line each."""
        result = self._started(["pip", "check", *_at(prefix)], {}, None)
        if result.status == 0:
            return set()
        return set(re.findall(r"^The package .*$", result.errors, re.MULTILINE)) or {result.errors.strip()}

    def _pip(
        self,
        command: str,
        prefix: Path,
        arguments: Sequence[str],
        progress: Progress,
        index: pip_config.Index | None = None,
        wanted: Sequence[validators.Spec] = (),
    ) -> None:
        variables = pip_config.variables_of_uv(index) if index else {}
        result = self._started(["pip", command, *_at(prefix), *arguments], variables, progress)
        if result.status != 0:
            raise _failure(result.errors, wanted)

    def _run(self, arguments: Sequence[str], progress: Progress | None = None) -> processes.Result:
        result = self._started(arguments, {}, progress)
        if result.status != 0:
            raise _failure(result.errors, ())
        return result

    def _started(
        self, arguments: Sequence[str], variables: dict[str, str], progress: Progress | None
    ) -> processes.Result:
        fixed = {
            "UV_CACHE_DIR": str(Path(self.config.cache_dir, "uv")),
            "UV_NO_CONFIG": "1",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "NO_COLOR": "1",
            "PATH": _search_path(),
        }
        left = self._deadline - time.monotonic()
        return processes.run(
            [uv.find_uv_bin(), *arguments], timeout=left, variables={**variables, **fixed}, progress=progress
        )

    def _has_own_index(self) -> bool:
        return bool(self.config.index_url or self.config.extra_index_urls or self.config.find_links)

    def _index(self) -> pip_config.Index:
        """The settings' word; where they say nothing, pip's."""
        configured = pip_config.read(os.environ)
        if not self._has_own_index():
            return configured
        only_links = self.config.find_links and not self.config.index_url
        return pip_config.Index(
            url="" if only_links else self.config.index_url or configured.url,
            extra=self.config.extra_index_urls,
            find_links=self.config.find_links,
            trusted_hosts=configured.trusted_hosts,
            certificates=configured.certificates,
        )


def _at(prefix: Path) -> list[str]:
    return ["--python", str(prefixes.interpreter(prefix))]


def _search_path() -> str:
    """PATH, and where pyenv keeps its interpreters: what it puts into PATH starts only some of them."""
    home = os.environ.get("HOME", "")
    root = Path(os.environ.get("PYENV_ROOT") or f"{home}/.pyenv")
    try:
        kept = sorted(map(str, root.glob("versions/3.*/bin")))
    except OSError:  # the home of somebody else
        kept = []
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *kept])


def _bundled_pip(prefix: Path) -> Path | None:
    """Where the pip lies that came with the interpreter; it needs no index. Some distributions leave it out."""
    for library in prefixes.base_library(prefix):
        directory = library / "ensurepip" / "_bundled"
        if any(directory.glob("pip-*.whl")):
            return directory
    return None


def _failure(errors: str, wanted: Sequence[validators.Spec]) -> Failed:
    """uv's own words, from the start of the error; it may be preceded by warnings about other interpreters."""
    text = re.split(r"^error: ", errors, maxsplit=1, flags=re.MULTILINE)[-1].strip()
    guilty = refused_packages.named_in(text, wanted)
    return Failed(
        _with_address(text),
        packages=[spec.pypi for spec in guilty],
        details=[_detail(spec, text) for spec in guilty],
    )


def _with_address(text: str) -> str:
    """Of an index that does not answer: which one, and what to set."""
    matched = re.search(r"Failed to fetch: `?(\S+?)`?$", text, re.MULTILINE)
    if not matched:
        return text
    host = urlsplit(matched[1]).netloc
    return f"{text}\nThe package index at {host} does not answer as expected. Set PYPI_INDEX_URL to one that does."


def _detail(spec: validators.Spec, text: str) -> str:
    """The tool's sentence that names it; of what does not exist, the usual one."""
    if re.search(refused_packages.pattern(spec.key).pattern + r" was not found in the ", text, re.IGNORECASE):
        return f"Package '{spec.name}' not found in the package index"
    return refused_packages.sentence(text, spec)
