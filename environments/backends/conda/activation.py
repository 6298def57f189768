"""What activating a Conda environment would set: rattler writes the script, a shell of its own runs it.

The scripts in etc/conda/activate.d come with packages and may do whatever the environment's own programs may do. They run in a
clean environment, with a deadline, and what they print is not taken for variables.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from environments.backends import processes
from environments.backends.base import Failed

_SECONDS = 20.0
# Set by the shell itself, or of no meaning to a program.
_OF_THE_SHELL = {"PWD", "OLDPWD", "SHLVL", "_", "PS1", "PATH"}


def variables(prefix: Path) -> dict[str, str]:
    """Raises Failed where a script of the environment fails."""
    from rattler.shell import ActivationVariables, Shell, activate

    base = os.defpath.split(os.pathsep)
    script = activate(prefix, ActivationVariables(None, base), Shell.bash).script
    shell = shutil.which("bash") or "/bin/sh"
    options = ["--noprofile", "--norc"] if shell.endswith("bash") else []
    code = f"exec 3>&1 1>&2\n{script}\nexec /usr/bin/env -0 >&3"
    given = {"PATH": os.defpath}
    result = processes.run([shell, *options, "-c", code], timeout=_SECONDS, variables=given)
    after = dict(line.partition("=")[::2] for line in result.output.split("\0") if line)
    if result.status != 0 or "PATH" not in after:
        raise Failed(f"The environment cannot be activated: {result.errors.strip() or result.status}")
    before = {**processes.clean_environment(os.environ), **given}
    own = [directory for directory in after["PATH"].split(os.pathsep) if directory not in base]
    changed = {
        name: value
        for name, value in after.items()
        if before.get(name) != value and name not in _OF_THE_SHELL and not name.startswith("BASH_FUNC_")
    }
    return {**changed, "PATH": os.pathsep.join(dict.fromkeys(filter(None, own)))}
