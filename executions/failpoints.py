"""Failpoints: named places where tests make a process crash or hang.

`BELFRY_FAILPOINT` names the place, `BELFRY_FAILPOINT_MARK` a file that is made there: it happens once. With
`BELFRY_FAILPOINT_HANGS` the thread that comes there never gets on, and the process lives.
"""

from __future__ import annotations

import os
import time

_NAME = os.environ.get("BELFRY_FAILPOINT", "")
_HANGS = bool(os.environ.get("BELFRY_FAILPOINT_HANGS"))
_MARK = os.environ.get("BELFRY_FAILPOINT_MARK", "")


def reach(name: str) -> None:
    """Ends the process at once, as SIGKILL would, or stands still, when the environment names this place for the first time."""
    if _NAME and name == _NAME:
        _crash()


def _crash() -> None:
    if _MARK:
        try:
            os.close(os.open(_MARK, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
    while _HANGS:
        time.sleep(3600)
    os._exit(70)
