"""Which environment variables a script may be given, and those that it gets."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from environments.home_directory import Description
from jobs.children.environment import clean_environment

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}", re.ASCII)
# Belfry's own, and what makes the dynamic loader run something else than the environment's programs.
_RESERVED = ("BELFRY_", "LD_", "DYLD_")
# What would make the interpreter look for its packages elsewhere than in its environment.
_PYTHON = {
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "PYTHONNOUSERSITE",
    "PYTHONEXECUTABLE",
    "PYTHONPLATLIBDIR",
}


def is_name(name: str) -> bool:
    """A letter or underscore, then letters, digits and underscores; ASCII."""
    return _NAME.fullmatch(name) is not None


def is_reserved(name: str) -> bool:
    """Whether a variable of this name would take the run out of its environment, or say something untrue of it."""
    return name.startswith(_RESERVED) or name in _PYTHON


def unusable(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not is_name(name) or is_reserved(name))


def of_script(
    description: Description, chosen: Mapping[str, str], secrets: Mapping[str, str], run: Mapping[str, str]
) -> dict[str, str]:
    """The later win: the environment's, the job's, its secrets, variables about the run. PATH: the environment's goes first."""
    # Packages of the account that runs this are no part of any environment.
    variables = {**description.variables, "PYTHONNOUSERSITE": "1", **chosen, **secrets, **run}
    usual = chosen.get("PATH") or secrets.get("PATH") or _usual_path()
    variables["PATH"] = os.pathsep.join(filter(None, (description.variables.get("PATH", ""), usual)))
    return variables


def _usual_path() -> str:
    """Without the programs that were installed beside Belfry: a `pip` found there would change them."""
    ours = Path(sys.executable).parent
    parts = clean_environment(os.environ)["PATH"].split(os.pathsep)
    return os.pathsep.join(part for part in parts if part and Path(part) != ours)
