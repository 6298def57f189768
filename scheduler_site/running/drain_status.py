"""How a drained worker tells its supervisor not to restart it: by its exit status and a token.

The supervisor gives each program that it starts a token of its own, which becomes part of the name under which the process
is known to the database. So it can ask there whether the one that ended with this status may be started again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

# Ends so because it was told to: whoever starts programs anew leaves it alone (RestartPreventExitStatus= of systemd).
STATUS = 76
VARIABLE = "BELFRY_PROCESS"


def installation(data: Path) -> str:
    """The beginning of the tokens of a supervisor: the same whenever it is started with this DATA_DIR."""
    return hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:6]


def new_token(data: Path) -> str:
    return installation(data) + secrets.token_hex(3)


def own_token() -> str:
    """Of this process; one without a supervisor makes it up."""
    return os.environ.get(VARIABLE) or secrets.token_hex(2)
