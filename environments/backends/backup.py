"""Backs up an environment before a change, and restores it when the change fails or its process dies.

    <home>/before/    all of the prefix, files as hard links: complete once it has this name
    <home>/*.part     a copy that was not completed, or trees that are on their way out

Needs neither a network nor a cache, keeps what pip put into a Conda environment, and costs no space but for directories.
Whether a change was completed is one rename: while `before` is there, it was not.
"""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from environments.backends import disk


def keep(home: Path, prefix: Path) -> None:
    """Raises OSError where the prefix cannot be read as a whole."""
    tidy(home)
    draft = _aside(home)
    disk.copy_by_links(prefix, draft)
    draft.rename(home / "before")


def put_back(home: Path, prefix: Path) -> bool:
    """Restores the backup if there is one; returns whether there was."""
    before = home / "before"
    if not before.is_dir() or before.is_symlink():
        return False
    if prefix.exists() or prefix.is_symlink():
        prefix.rename(_aside(home))
    before.rename(prefix)
    tidy(home)
    return True


def forget(home: Path) -> None:
    """Removes the backup: the change is complete."""
    with contextlib.suppress(FileNotFoundError):
        (home / "before").rename(_aside(home))
    tidy(home)


def tidy(home: Path) -> None:
    """Removes leftovers; what cannot be removed is tried again at the next change."""
    for path in home.glob("*.part"):
        with contextlib.suppress(OSError):
            disk.remove_tree(path)


def _aside(home: Path) -> Path:
    return home / f"{uuid.uuid4().hex}.part"
