"""Removes the files that a job leaves on disk."""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH101, PTH104, PTH106, PTH108, PTH114, PTH118

from __future__ import annotations

import contextlib
import os

LONG = 1024  # characters; a folder whose path is longer is moved to the top


def remove_tree(path: str) -> None:
    """Deletes a private directory of any depth, without following links; permissions that forbid it are changed first."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError:
        _remove_tree(path)


def _remove_tree(path: str) -> None:
    if os.path.islink(path):
        os.unlink(path)
    pending, folders, moved = [path], list[str](), os.path.join(path, os.urandom(8).hex())
    while pending:
        folder = pending.pop()
        folders.append(folder)
        for entry in _opened(folder):
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                elif len(entry.path) < LONG:
                    pending.append(entry.path)
                else:
                    os.chmod(entry.path, 0o700)  # else it may not be moved
                    os.rename(entry.path, near := f"{moved}-{len(folders)}-{len(pending)}")
                    pending.append(near)
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _opened(folder: str) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError):
        os.chmod(folder, 0o700)
        with os.scandir(folder) as entries:
            return list(entries)
    return []
