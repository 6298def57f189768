"""The account that the code of jobs runs as, where that is another one than Belfry's (capabilities(7), credentials(7)).

Imports neither Django nor a library: the children that run code use it in processes of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

from environments import prctl

_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3: two words for each set
# CHOWN: files handed over; KILL: what does not end; SETGID and SETUID: the change itself.
NEEDED = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Account(NamedTuple):
    """The ids of an account for a process; sent as a list."""

    uid: int
    gid: int
    name: str
    home: str

    @property
    def variables(self) -> dict[str, str]:
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def resolve(user: str, group: str = "") -> Account:
    """By names or numbers; a number needs no entry in the user database. Raises LookupError."""
    import grp
    import pwd

    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
        uid, gid, name, home = entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir
    except KeyError:
        if not user.isdecimal():
            raise LookupError(f"there is no account {user} on this machine") from None
        uid, gid, name, home = int(user), int(user), user, "/"
    if group.isdecimal():
        gid = int(group)
    elif group:
        try:
            gid = grp.getgrnam(group).gr_gid
        except KeyError:
            raise LookupError(f"there is no group {group} on this machine") from None
    return Account(uid, gid, name, home)


def missing_rights() -> list[str]:
    """The capabilities that this process lacks to run code as another account; usually empty for root."""
    if _libc is None:
        return list(NEEDED)
    effective = _capabilities()[0]
    return [name for name, bit in NEEDED.items() if not effective >> bit & 1]


def become(account: Account) -> None:
    """For good: no supplementary groups, no capabilities, and no program that gives any back (sudo, say). Raises OSError.

    Undoes what prctl(2) has set for the death of the parent.
    """
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if _libc is not None:
        _set_capabilities(0, 0, 0)
        prctl.give_up_privileges()
        prctl.show_memory()


@contextlib.contextmanager
def files_of(account: Account | None) -> Iterator[None]:
    """Files are reached with the rights of the account only, in this thread alone (setfsuid(2)); None changes nothing.

    What a job has made is looked at and removed so: links that another one of its processes puts in the way lead nowhere.
    """
    if account is None or _libc is None or account.uid == os.geteuid():
        yield
        return
    effective, permitted, inheritable = _capabilities()
    _libc.setfsgid(account.gid)
    _libc.setfsuid(account.uid)
    _set_capabilities(0, permitted, inheritable)
    try:
        yield
    finally:
        _set_capabilities(effective, permitted, inheritable)
        _libc.setfsuid(os.geteuid())
        _libc.setfsgid(os.getegid())


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Words(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _capabilities() -> tuple[int, int, int]:
    """Effective, permitted, inheritable, of this thread. Raises OSError."""
    header, words = _Header(_CAPABILITY_VERSION, 0), (_Words * 2)()
    _call("capget", header, words)
    low, high = words
    return (
        low.effective | high.effective << 32,
        low.permitted | high.permitted << 32,
        low.inheritable | high.inheritable << 32,
    )


def _set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    sets = (effective, permitted, inheritable)
    low, high = _Words(*(one & 0xFFFFFFFF for one in sets)), _Words(*(one >> 32 for one in sets))
    _call("capset", _Header(_CAPABILITY_VERSION, 0), (_Words * 2)(low, high))


def _call(name: str, header: _Header, words: ctypes.Array[_Words]) -> None:
    if getattr(_libc, name)(ctypes.byref(header), words) != 0:
        raise OSError(ctypes.get_errno(), name)
