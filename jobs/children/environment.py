"""The environment variables of child processes: what a program needs, and none of Belfry's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PASSED = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR")
PROJECT_ROOT = str(Path(__file__).resolve().parents[2])


def clean_environment(source: Mapping[str, str]) -> dict[str, str]:
    """The variables of `source` that jobs may see; an allow-list, so that a new secret needs no new rule."""
    passed = {name: value for name, value in source.items() if name in PASSED or name.startswith("LC_")}
    return {"PATH": os.defpath, **passed}


def python_path(source: Mapping[str, str]) -> str:
    """Where the server finds this project, and the classes of other allowed packages."""
    return os.pathsep.join(filter(None, (PROJECT_ROOT, source.get("PYTHONPATH", ""))))
