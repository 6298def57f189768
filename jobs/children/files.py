"""Removing what a job leaves on disk."""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH101, PTH118

from __future__ import annotations

import contextlib
import os
import shutil
import stat


def remove_tree(path: str) -> None:
    """Delete a private directory, following no link; one that forbids it is opened first."""
    shutil.rmtree(path, ignore_errors=True)
    if not os.path.lexists(path):
        return
    for folder, folders, _files in os.walk(path):  # top down, so that what is opened here is entered next
        for entry in (folder, *(os.path.join(folder, name) for name in folders)):
            with contextlib.suppress(OSError):
                if stat.S_ISDIR(os.lstat(entry).st_mode):
                    os.chmod(entry, 0o700)
    shutil.rmtree(path, ignore_errors=True)
