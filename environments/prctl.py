"""Calls of prctl(2) for the current process. On systems without it nothing happens.

Imports neither Django nor a library: the guards of programs and the children that run code use it.
"""

from __future__ import annotations

import ctypes
import signal
import sys

_PDEATHSIG, _DUMPABLE, _NAME, _CHILD_SUBREAPER, _NO_NEW_PRIVS = 1, 4, 15, 36, 38
_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL = 47, 4
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# Without a place for the number of an error, and looked up once: in a process that was just forked it touches a sixth of the
# memory.
_plain = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with_parent(number: int = signal.SIGKILL, *, strict: bool = False) -> None:
    """Receive this signal when the thread that started us ends. With `strict` a refusal of the kernel raises OSError."""
    _prctl(_PDEATHSIG, number, strict=strict)


def outlive_parent(*, strict: bool = False) -> None:
    """Undo `die_with_parent`."""
    _prctl(_PDEATHSIG, 0, strict=strict)


def become_subreaper(*, strict: bool = False) -> None:
    """Become the parent of every descendant whose parent dies, so that none escapes by double forking."""
    _prctl(_CHILD_SUBREAPER, 1, strict=strict)


def be_called(name: str) -> None:
    """The name of this process in lists (15 bytes)."""
    _prctl(_NAME, name.encode()[:15])


def hide_memory() -> None:
    """No core dumps; memory and environment are closed to other processes of the same account (proc(5))."""
    _prctl(_DUMPABLE, 0)


def show_memory() -> None:
    """Undo `hide_memory`: else a process that executes no program may not look at itself below /proc."""
    _prctl(_DUMPABLE, 1)


def give_up_privileges() -> None:
    """No ambient capabilities, and no program that is executed from now on gives any privilege (sudo, say)."""
    _prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    _prctl(_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int | bytes, *, strict: bool = False) -> None:
    if _plain is None or _libc is None or _plain(option, value, 0, 0, 0) == 0 or not strict:
        return
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
