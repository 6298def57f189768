"""An installed conda, mamba or micromamba: its environments are found, and new ones made through it.

With --json it answers with one object at the end; until then nothing is heard of it. Channels, credentials and mirrors are as
its own configuration says. Environments of others are only read: the caller sees to that.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from environments.backends import prefixes, processes, refused_packages, validators
from environments.backends.base import Config, Failed, Found, Invalid, Progress
from environments.backends.conda import user_list
from environments.backends.conda.prefix import CondaPrefix, refuse_absent, refuse_kept, refuse_needed

_NAMES = ("conda", "mamba", "micromamba")
_ASKING_SECONDS = 60.0


class ExternalBackend(CondaPrefix):
    name: ClassVar[str] = "external"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._deadline = time.monotonic() + config.timeout

    def available(self) -> str:
        try:
            self._ask("info")
        except Failed as error:
            return str(error)
        return ""

    def python_versions(self) -> list[str]:
        """conda answers with the packages by name, micromamba with a list of them."""
        answer = self._ask("search", "python")
        listed = answer.get("python") or (answer.get("result") or {}).get("pkgs") or []
        versions = [str(one.get("version", "")) for one in listed if isinstance(one, dict)]
        minors = {tuple(map(int, v.split(".")[:2])) for v in versions if re.match(r"3\.\d+", v)}
        return [f"{major}.{minor}" for major, minor in sorted(minors, reverse=True)]

    def validate(self, specs: Sequence[str]) -> list[str]:
        return [spec.conda for spec in validators.specs(specs, conda=True)]

    # Changes -----------------------------------------------------------------------------------------------------------

    def create(self, prefix: Path, python: str, specs: Sequence[str], progress: Progress) -> None:
        wanted = validators.specs(specs, conda=True)
        version = validators.python_version(python)
        made_of = [f"python={version}" if version else "python", "pip"]
        self._do("create", prefix, [*made_of, *map(_argument, wanted)], wanted, progress)
        user_list.remember(prefix)

    def install(self, prefix: Path, specs: Sequence[str], progress: Progress) -> None:
        wanted = validators.specs(specs, conda=True)
        self._do("install", prefix, list(map(_argument, wanted)), wanted, progress)

    def remove(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        """It would remove what needs them too: that is refused before."""
        wanted = validators.specs(names, conda=True)
        going = {spec.name.lower() for spec in wanted}
        refuse_absent(prefix, going)
        refuse_kept(going)
        records = prefixes.conda_records(prefix)
        refuse_needed(
            going, {r["name"]: map(str, r.get("depends", [])) for r in records if r["name"] not in going}
        )
        self._do("remove", prefix, sorted(going), wanted, progress)

    def update(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        wanted = validators.specs(names, conda=True)
        named = {spec.name.lower() for spec in wanted}
        refuse_absent(prefix, named)
        self._do("update", prefix, sorted(named) or ["--all"], wanted, progress)

    def _do(
        self,
        command: str,
        prefix: Path,
        arguments: Sequence[str],
        wanted: Sequence[validators.Spec],
        progress: Progress,
    ) -> None:
        executable = self._executable()
        progress(f"Running {Path(executable).name} {command}")
        argv = [executable, command, "--yes", "--json", "--prefix", str(prefix), *arguments]
        result = processes.run(argv, timeout=self._deadline - time.monotonic(), progress=progress)
        answer = _last_object(result.output)
        if result.status != 0 or answer.get("success") is False:
            raise _failure(answer, result, wanted)

    # What is there -----------------------------------------------------------------------------------------------------

    def discover(self) -> list[Found]:
        """What conda lists, what it has noted in environments.txt, and what lies in its directories; without its own base.

        Environments that Belfry made are known already and left out.
        """
        base, directories = self._places()
        candidates = [*self._listed(), *user_list.known(), *_in(directories)]
        found: dict[Path, Found] = {}
        for prefix in map(Path, candidates):
            real = prefix.resolve()
            if real in found or str(real) == base or not prefixes.is_conda(prefix) or _is_ours(prefix):
                continue
            found[real] = Found(prefix.name, str(prefix), _python_of(prefix))
        return sorted(found.values(), key=lambda one: (one.name.lower(), one.prefix))

    def _listed(self) -> list[str]:
        try:
            listed = self._ask("env", "list").get("envs")
        except Failed:
            return []
        return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []

    def _places(self) -> tuple[str, list[str]]:
        """Its base environment, and the directories for others; the keys are conda's, or micromamba's."""
        try:
            info = self._ask("info")
        except Failed:
            return "", []
        base = info.get("root_prefix") or info.get("base environment") or ""
        directories = info.get("envs_dirs") or info.get("envs directories") or []
        return str(Path(str(base)).resolve()) if base else "", [
            str(one) for one in (directories if isinstance(directories, list) else [directories])
        ]

    def _ask(self, *arguments: str) -> dict[str, Any]:
        result = processes.run([self._executable(), *arguments, "--json"], timeout=_ASKING_SECONDS)
        answer = _last_object(result.output)
        if result.status != 0:
            raise _failure(answer, result, ())
        return answer

    def _executable(self) -> str:
        if self.config.conda_exe:
            return self.config.conda_exe
        found = next(filter(None, map(shutil.which, _NAMES)), None)
        if found is None:
            raise Failed(f"None of {', '.join(_NAMES)} is in PATH. Set CONDA_EXE to where one of them lies.")
        return found


def _argument(spec: validators.Spec) -> str:
    return spec.conda.replace(" ", "")


def _in(directories: Sequence[str]) -> Iterator[str]:
    for directory in directories:
        try:
            yield from sorted(str(path) for path in Path(directory).iterdir() if path.is_dir())
        except OSError:
            continue


def _is_ours(prefix: Path) -> bool:
    return prefix.name == "prefix" and (prefix.parent / "description.json").exists()


def _python_of(prefix: Path) -> str:
    records = prefixes.conda_records(prefix)
    return next((str(record.get("version", "")) for record in records if record["name"] == "python"), "")


def _last_object(output: str) -> dict[str, Any]:
    """The answer; lines of progress, each an object of its own, may come before it."""
    decoder, last, at = json.JSONDecoder(), {}, output.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(output, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            last = value
        at = output.find("{", end)
    return last if isinstance(last, dict) else {}


def _failure(answer: dict[str, Any], result: processes.Result, wanted: Sequence[validators.Spec]) -> Failed:
    """conda says `message` and `exception_name`, micromamba `solver_problems`."""
    problems = answer.get("solver_problems")
    told = answer.get("message") or answer.get("error") or ("\n".join(map(str, problems)) if problems else "")
    text = str(told or result.errors or result.output).strip() or f"It ended with status {result.status}."
    missing = {_key(str(one)) for one in answer.get("packages") or () if isinstance(one, str)}
    guilty = [spec for spec in wanted if spec.key in missing] or refused_packages.named_in(text, wanted)
    unknown = answer.get("exception_name") == "PackagesNotFoundError"
    return Failed(
        validators.without_credentials(text),
        packages=[spec.conda for spec in guilty],
        details=[
            f"Package '{spec.name}' not found in available channels"
            if unknown
            else refused_packages.sentence(text, spec)
            for spec in guilty
        ],
    )


def _key(text: str) -> str:
    try:
        return validators.spec(text, conda=True).key
    except Invalid:
        return text
