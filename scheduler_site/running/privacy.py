"""Run first by each program: keeps its memory and environment private from other accounts.

A process shows its environment to every process of the same user (proc(5)), the code of jobs among them; so secrets are taken
out of it once the settings have read them. Root reads a process's memory all the same: docs/security.md says what that means.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

from environments import prctl

# Of /proc/self/stat, counted after the name: where the first environment begins and ends (proc(5), fields 50 and 51).
_ENV_START, _ENV_END = 47, 48
# What a process may show: where it works, and by what its operator finds it.
SHOWN = (b"PATH", b"HOME", b"LANG", b"TZ", b"TMPDIR", b"DATA_DIR", b"HOST", b"PORT")


def keep_private() -> None:
    """Files for this account only, memory and environment for this process only, and no core dumps. May be called again."""
    os.umask(0o077)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, IndexError):
            _blank_first_environment()
        prctl.hide_memory()


def _blank_first_environment() -> None:
    """Overwrites what /proc/<pid>/environ shows but for SHOWN; `os.environ` and getenv(3) have copies of their own by then."""
    for name, value in os.environb.items():
        os.putenv(name, value)
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = int(fields[_ENV_START]), int(fields[_ENV_END])
    if not 0 < start < end:
        return
    position = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        if entry.partition(b"=")[0] not in SHOWN:
            ctypes.memset(position, 0, len(entry))
        position += len(entry) + 1
