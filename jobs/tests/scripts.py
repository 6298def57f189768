"""Short ways to run a script in a real environment."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments import home_directory
from jobs.runners import RUNNERS, CodeRunner, Context, Outcome

from .processes import Stopwatch
from .running import spec_for


@dataclass
class Home:
    """An environment on disk, below what ENVIRONMENTS_DIR is to be."""

    root: Path
    uid: str

    @property
    def path(self) -> Path:
        return self.root / self.uid

    @property
    def site_packages(self) -> Path:
        return next((self.path / "prefix" / "lib").glob("python*/site-packages"))

    def install(self, name: str, version: str) -> None:
        """What an installer leaves of a package without any module."""
        record = self.site_packages / f"{name}-{version}.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def make_home(root: Path) -> Home:
    home = Home(root, uuid.uuid4().hex)
    prefix = home.path / "prefix"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    version = ".".join(map(str, sys.version_info[:3]))
    variables = {"PATH": str(prefix / "bin"), "VIRTUAL_ENV": str(prefix), "ACTIVATED": "yes"}
    home_directory.write(
        home.path,
        home_directory.Description("pypi", str(prefix), str(prefix / "bin" / "python"), version, variables),
    )
    home_directory.lock(home.path, shared=True)
    return home


@dataclass
class Events:
    cancelled: threading.Event = field(default_factory=threading.Event)
    suspended: threading.Event = field(default_factory=threading.Event)


def run_script(
    home: Home | str,
    text: str = "",
    *,
    log: Callable[[str], None] | None = None,
    events: Events | None = None,
    options: dict[str, Any] | None = None,
    **values: Any,
) -> tuple[Outcome, str]:
    """Run a script job to its end: the outcome and the log."""
    events, seen = events or Events(), log or Stopwatch()
    runner = RUNNERS["script"]
    assert isinstance(runner, CodeRunner)
    what = {"script": text, **(options or {})} if text else options or {}
    environment = home if isinstance(home, str) else home.uid
    spec = spec_for("script", what, environment=environment, **{"timeout": 60.0, **values})
    outcome = runner.run(Context(spec, events.cancelled, seen, events.suspended))
    return outcome, getattr(seen, "text", "")
