"""~/.conda/environments.txt, in which an installed Conda keeps the prefixes that it knows of beyond its own directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

_LONGEST = 4 * 1024 * 1024


def known() -> list[str]:
    try:
        with _file().open(encoding="utf-8", errors="surrogateescape") as file:
            return [line for line in file.read(_LONGEST).splitlines() if line.strip()]
    except OSError:
        return []


def remember(prefix: Path) -> None:
    """A convenience for manual use of Conda: operations succeed also if it cannot be written."""
    _change(lambda lines: lines if str(prefix) in lines else [*lines, str(prefix)])


def forget(prefix: Path) -> None:
    _change(lambda lines: [line for line in lines if line != str(prefix)])


def _file() -> Path:
    return Path(os.environ.get("HOME") or Path.home(), ".conda", "environments.txt")


def _change(change: Callable[[list[str]], list[str]]) -> None:
    """Written by a rename, so that readers never see half of it. Our own processes lock it."""
    path = _file()
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (path.parent / ".belfry.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = known()
            after = change(before)
            if after == before:
                return
            draft = path.with_name(f"environments.txt.{os.getpid()}")
            draft.write_text(
                "".join(f"{line}\n" for line in after), encoding="utf-8", errors="surrogateescape"
            )
            draft.replace(path)
