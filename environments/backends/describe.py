"""Asks the interpreter of an environment for its paths and variables, which scripts need."""

from __future__ import annotations

import re
from pathlib import Path

from environments import home_directory
from environments.backends import prefixes, processes
from environments.backends.base import Backend, Failed

_SECONDS = 20.0
# Without site: nothing that packages put into the environment is run.
_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:3])))"


def describe(backend: Backend, prefix: Path) -> home_directory.Description:
    """Raises Failed where the environment's interpreter does not start: such an environment is none."""
    python = prefixes.interpreter(prefix)
    result = processes.run([str(python), "-I", "-S", "-c", _VERSION], timeout=_SECONDS)
    version = result.output.strip()
    if result.status != 0 or not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise Failed(f"The environment's Python does not start: {result.errors.strip() or result.status}")
    return home_directory.Description(
        backend=backend.name,
        prefix=str(prefix),
        python=str(python),
        python_version=version,
        variables=backend.run_environment(prefix),
    )
