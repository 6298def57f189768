"""Trees of files: measured, copied by hard links, removed. No link is followed, whatever a script planted among the files.

What is removed may be as deep as a script cared to nest it: nothing here recurses, and removing needs no long path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from environments.backends.base import DiskUse

# Directories in which files are rewritten in place: an equal inode would change with them.
_COPIED = {"conda-meta"}


def use(prefix: Path) -> DiskUse:
    """Bytes on disk. Of an inode with several links, those within the tree are one; with others outside it is shared."""
    seen: dict[tuple[int, int], tuple[int, int, int]] = {}
    for entry in _entries(prefix):
        with contextlib.suppress(OSError):
            info = entry.stat(follow_symlinks=False)
            links = seen.get((info.st_dev, info.st_ino), (0, 0, 0))[0] + 1
            outside = 0 if stat.S_ISDIR(info.st_mode) else info.st_nlink
            seen[info.st_dev, info.st_ino] = (links, info.st_blocks * 512, outside)
    return DiskUse(
        total=sum(size for _, size, _ in seen.values()),
        shared=sum(size for links, size, all_links in seen.values() if all_links > links),
    )


def _entries(top: Path) -> Iterator[os.DirEntry[str]]:
    waiting = [str(top)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    yield entry
        except OSError:
            # Unreadable, gone, or nested beyond the longest path: not counted.
            continue


def copy_by_links(source: Path, target: Path) -> None:
    """Makes `target` a tree of the same content; files are hard links where that is possible.

    Raises OSError (and leaves what there is so far) where something cannot be read.
    """
    target.mkdir(mode=0o700)
    waiting = [(source, target)]
    while waiting:
        here, there = waiting.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                copy = there / entry.name
                if entry.is_dir(follow_symlinks=False):
                    copy.mkdir(mode=0o700)
                    waiting.append((Path(entry.path), copy))
                else:
                    _copy_file(entry, copy, linked=here.name not in _COPIED)
        shutil.copystat(here, there, follow_symlinks=False)


def _copy_file(entry: os.DirEntry[str], copy: Path, *, linked: bool) -> None:
    """Other things than files and links (sockets, pipes) are no part of an environment and are left out."""
    if entry.is_symlink():
        copy.symlink_to(os.readlink(entry.path))  # noqa: PTH115 (keeps the text as it is)
        return
    if not entry.is_file(follow_symlinks=False):
        return
    if linked:
        with contextlib.suppress(OSError):
            os.link(entry.path, copy, follow_symlinks=False)
            return
    shutil.copy2(entry.path, copy, follow_symlinks=False)


def remove_tree(top: Path) -> None:
    """Removes a directory with all in it; of a link only itself; nothing where nothing is.

    A directory within a directory is moved to the top before it is emptied, so one of any depth costs two open descriptors.
    """
    try:
        if not stat.S_ISDIR(top.lstat().st_mode):
            top.unlink()
            return
    except FileNotFoundError:
        return
    root = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with contextlib.suppress(PermissionError):  # another account's
            os.fchmod(root, 0o700)
        while names := os.listdir(root):  # noqa: PTH208 (by descriptor)
            for name in names:
                _remove_entry(root, name)
    finally:
        os.close(root)
    top.rmdir()


def _remove_entry(root: int, name: str) -> None:
    if _unlinked(root, name):
        return
    with _opened(root, name) as directory:
        for inner in os.listdir(directory):  # noqa: PTH208 (by descriptor)
            if not _unlinked(directory, inner):
                with _opened(directory, inner):
                    # Made writable: a directory is moved only by who may change it.
                    os.rename(inner, uuid.uuid4().hex, src_dir_fd=directory, dst_dir_fd=root)
    os.rmdir(name, dir_fd=root)


def _unlinked(directory: int, name: str) -> bool:
    """Whether it was no directory, and is gone."""
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.EPERM):
            return False
        raise
    return True


@contextlib.contextmanager
def _opened(directory: int, name: str) -> Iterator[int]:
    """An own directory, made accessible first, whatever mode a script gave it."""
    handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)  # noqa: PTH101 (of what was opened, never of what a link names)
        opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    finally:
        os.close(handle)
    try:
        yield opened
    finally:
        os.close(opened)
