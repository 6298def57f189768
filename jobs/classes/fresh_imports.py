"""Imports of job modules that never take code which the source does not hold any more.

Python trusts a .pyc whose source has the same size and the same time in whole seconds (importlib, PEP 552): of a file that was
replaced twice within a second it may run the first version for ever. Here a source that has just been written is compiled
anew, and so is one whose .pyc was written at the same time as it.
"""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH116

from __future__ import annotations

import os
import sys
import sysconfig
import time
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from typing import Any

SETTLED = 2.0  # seconds after which the next change of a file has another time in whole seconds
STANDARD = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
LIBRARIES = (*STANDARD, *(sysconfig.get_path(name) for name in ("purelib", "platlib")))

Stamp = tuple[int, ...]
read: dict[str, Stamp] = {}  # of each source, just before it was read: a later change is seen as one


def stamp(file: str) -> Stamp:
    """When it came to be as it is (which nobody can set), when it was changed, its size and its number. Raises OSError."""
    told = os.stat(file)
    return told.st_ctime_ns, told.st_mtime_ns, told.st_size, told.st_ino


class Source(SourceFileLoader):
    """Libraries are left alone: they are installed, not edited."""

    def path_stats(self, path: str) -> Any:
        """Raises OSError for a new file: then its .pyc is neither read nor written."""
        read[path] = stamp(path)
        if not path.startswith(LIBRARIES) and time.time() < _settled(path):
            raise OSError(f"{path} is too new for a .pyc")
        return super().path_stats(path)

    def get_data(self, path: str) -> bytes:
        """Raises OSError for a .pyc that may be of an older source: it is written again."""
        compiled = path.endswith(tuple(BYTECODE_SUFFIXES)) and not path.startswith(LIBRARIES)
        if compiled and os.stat(path).st_mtime < _settled(self.path):
            raise OSError(f"{path} may be of an older source")
        return super().get_data(path)


def _settled(path: str) -> float:
    return read[path][0] / 1e9 + SETTLED


def install() -> None:
    """Modules that are found in folders are imported this way from now on."""
    if any(getattr(hook, "of_jobs", False) for hook in sys.path_hooks):
        return
    hook: Any = FileFinder.path_hook(
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (Source, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )
    hook.of_jobs = True
    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
