"""The home directory of an environment: its lock, its description for those who run scripts in it, its prefix.

    ENVIRONMENTS_DIR/<uid>/lock               flock(2): scripts hold it shared, operations alone
    ENVIRONMENTS_DIR/<uid>/description.json   where the interpreter is, and what activating the environment would set
    ENVIRONMENTS_DIR/<uid>/prefix/            the environment itself, unless it was registered where it lies

Imports neither Django nor a backend: operations and scripts use it in processes of their own.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from environments.os_account import Account


@dataclass(frozen=True)
class Description:
    """What a script needs to know of its environment; paths are absolute."""

    backend: str
    prefix: str
    python: str  # the interpreter
    python_version: str  # X.Y.Z
    # To be set for a script. PATH holds only what goes before the usual one.
    variables: dict[str, str] = field(default_factory=dict)


def read(home: Path) -> Description | None:
    """The description, or None where there is no (whole) environment."""
    try:
        return Description(**json.loads((home / "description.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write(home: Path, description: Description) -> None:
    """Written to a temporary file and renamed, so that readers never see half of it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=home, suffix=".part", encoding="utf-8", delete=False) as draft:
        json.dump(asdict(description), draft)
    # Where the environment belongs to the account that code runs as, its group reads it, and Belfry with it.
    Path(draft.name).chmod(0o640)
    Path(draft.name).replace(home / "description.json")


def hand_over(folder: Path, account: Account) -> None:
    """A folder of ENVIRONMENTS_DIR, made where it is missing, to the account that code runs as. Raises OSError.

    Others may pass through ENVIRONMENTS_DIR, but not list it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    above = folder.parent.stat()
    if above.st_uid == os.geteuid() and above.st_mode & 0o011 != 0o011:
        folder.parent.chmod(above.st_mode & 0o777 | 0o011)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid == os.geteuid():
            os.fchmod(handle, 0o750)
            os.fchown(handle, account.uid, account.gid)
    finally:
        os.close(handle)


def lock(home: Path, *, shared: bool) -> IO[bytes] | None:
    """The lock's file, locked until it is closed by everybody who has it; None if another process holds it.

    Raises OSError where the directory is gone (shared) or cannot be made.
    """
    if not shared:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Opened for writing by all: on NFS an exclusive lock needs that, and an environment is never without its lock file.
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    file = os.fdopen(descriptor, "r+b", buffering=0)
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except BaseException:
        file.close()
        raise
    return file
