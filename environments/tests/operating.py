"""Asks the process of an operation, as a worker does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from environments.backends.base import Config
from environments.backends.processes import clean_environment

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Told:
    """What a process said, read."""

    status: int
    progress: list[str]
    last: dict[str, Any]
    errors: str

    @property
    def done(self) -> dict[str, Any]:
        assert self.status == 0, self
        return self.last["done"]  # type: ignore[no-any-return]

    @property
    def failed(self) -> dict[str, Any]:
        assert self.status == 1, self
        return self.last["failed"]  # type: ignore[no-any-return]

    @property
    def invalid(self) -> str:
        assert self.status == 2, self
        return self.last["invalid"]  # type: ignore[no-any-return]

    @property
    def installed(self) -> dict[str, str]:
        return {package["name"]: package["version"] for package in self.done["packages"]}


def start(line: str, **variables: str) -> subprocess.Popen[str]:
    """The process, its request written; in a group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "environments.operations.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**clean_environment(os.environ), "PYTHONPATH": str(ROOT), **variables},
        cwd="/",
        start_new_session=True,
    )
    assert process.stdin is not None
    try:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass
    return process


def say(line: str, **variables: str) -> Told:
    """To the end."""
    process = start(line, **variables)
    output, errors = process.communicate(timeout=60)
    lines = [json.loads(one) for one in output.splitlines()]
    assert lines, errors
    return Told(process.returncode, [one["progress"] for one in lines[:-1]], lines[-1], errors)


@dataclass(frozen=True)
class Operator:
    """Operations on one environment."""

    backend: str
    config: Config
    home: Path
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def prefix(self) -> Path:
        return self.home / "prefix"

    def line(self, action: str, *specs: str, **fields: Any) -> str:
        own = {"backend": self.backend, "home": str(self.home), "prefix": str(self.prefix)}
        return json.dumps(
            {"action": action, "config": asdict(self.config), "specs": list(specs), **own, **fields}
        )

    def __call__(self, action: str, *specs: str, **fields: Any) -> Told:
        return say(self.line(action, *specs, **fields), **dict(self.variables))

    def start(self, action: str, *specs: str, **fields: Any) -> subprocess.Popen[str]:
        return start(self.line(action, *specs, **fields), **dict(self.variables))

    def python(self, code: str) -> str:
        """What the environment's interpreter prints."""
        argv = [str(self.prefix / "bin" / "python"), "-c", code]
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    def left(self) -> list[str]:
        """What lies in the environment's own directory."""
        return sorted(path.name for path in self.home.iterdir())


def files(top: Path) -> dict[str, bytes | str | None]:
    """Every file below it with its content: of a link where it points to, of a directory nothing."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(top.rglob("*")):
        name = str(path.relative_to(top))
        if "__pycache__" in name:
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found
