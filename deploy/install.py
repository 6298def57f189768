"""Installs a requirements file beside the Python that runs this: `python -m deploy.install requirements.txt [--compile]`.

By uv, which takes a fraction of the time that pip takes; it is one of the requirements and so comes first, by pip, in the
version that is pinned there. Where it does not work, pip installs all of it.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from environments.backends import pip_config

PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def main(wanted: str, *options: str) -> int:
    """The status of what installed it."""
    if by_uv(wanted):
        if "--compile" in options:
            # As pip does it. Who starts Belfry from here at once has only what is imported compiled, meanwhile.
            compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, workers=0)
        return 0
    return run((*PIP, "--requirement", wanted))


def by_uv(wanted: str) -> bool:
    pin = next((line for line in Path("requirements.txt").read_text().split() if line.startswith("uv==")), "")
    if not pin or run((*PIP, pin)):
        return False
    index = pip_config.read(os.environ)
    variables = pip_config.variables_of_uv(index) | {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1"}
    if index.constraints:
        variables["UV_CONSTRAINT"] = " ".join(index.constraints)
    if not index.url:
        variables["UV_NO_INDEX"] = "1"
    uv = Path(sysconfig.get_path("scripts"), "uv")
    how = (str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--requirement", wanted)
    if run(how, variables):
        sys.stderr.write("uv could not install it; pip does\n")
        return False
    return True


def run(argv: Sequence[str], variables: dict[str, str] | None = None) -> int:
    try:
        return subprocess.run(argv, check=False, env={**os.environ, **(variables or {})}).returncode
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
