"""Places at which a process can be made to crash on purpose, for trials of what a crash leaves behind.

`BELFRY_FAILPOINT` names the place, `BELFRY_FAILPOINT_MARK` a file that the crash makes: it happens once.
"""

from __future__ import annotations

import os

_NAME = os.environ.get("BELFRY_FAILPOINT", "")
_MARK = os.environ.get("BELFRY_FAILPOINT_MARK", "")


def reach(name: str) -> None:
    """Ends the process at once, as SIGKILL would, when the environment names this place for the first time."""
    if _NAME and name == _NAME:
        _crash()


def _crash() -> None:
    if _MARK:
        try:
            os.close(os.open(_MARK, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
    os._exit(70)
