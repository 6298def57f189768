"""After a fork server was killed: its supervisors end their jobs, and those that do not are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterable

from .run_supervisor import ORPHAN_GRACE

# For supervisors to end their jobs, which they do when their server dies.
SECONDS = ORPHAN_GRACE + 5.0


def end_soon(pids: Iterable[int]) -> None:
    """Lets those go on that were stopped, and kills what is left of them after a while; returns at once."""
    handles = []
    for pid in pids:
        # A handle, since the id of a process that has ended may be another's by then (pidfd_open(2)).
        with contextlib.suppress(OSError):
            handles.append(os.pidfd_open(pid))
    _send(handles, signal.SIGCONT)
    if handles:
        threading.Thread(target=_kill_later, args=(handles,), name="orphans", daemon=True).start()


def _kill_later(handles: list[int]) -> None:
    time.sleep(SECONDS)
    _send(handles, signal.SIGKILL)
    for handle in handles:
        os.close(handle)


def _send(handles: list[int], number: int) -> None:
    for handle in handles:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(handle, number)
