"""Finds out which paths JOB_USER can access: `python -P -m environments.checks.access_probe '[account, {"path": mode}]'`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from environments.backends.processes import clean_environment
from environments.os_account import Account, become

SECONDS = 10.0


def reached(account: Account, wanted: Mapping[str, int]) -> set[str]:
    """Of these paths those that it may use so (os.R_OK | os.X_OK ...). Raises OSError, subprocess.SubprocessError."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "environments.checks.access_probe", json.dumps([account, dict(wanted)])],
        env=clean_environment(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    return set(json.loads(done.stdout))


if __name__ == "__main__":
    whom, paths = json.loads(sys.argv[1])
    become(Account(*whom))
    json.dump([path for path, mode in paths.items() if os.access(path, mode)], sys.stdout)
