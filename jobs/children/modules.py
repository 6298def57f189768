"""The modules imported in this process: their files, whether these have changed, and which modules a run has added."""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH116

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator

MOST_LEARNED = 2000  # modules that are taken over from one run
LONGEST_LIST = 1 << 16  # characters of their names
STANDARD = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
LIBRARIES = (*STANDARD, *(sysconfig.get_path(name) for name in ("purelib", "platlib")))

Stamp = tuple[int, int, int]


def learn(names: Iterable[str]) -> None:
    """Import what a run has imported of libraries; what fails here fails there, or not."""
    for name in names:
        if name not in sys.modules:
            with contextlib.suppress(
                BaseException
            ):  # sys.exit() too: the runs that go on here need this process
                importlib.import_module(name)


def loaded_libraries(newest: str) -> str:
    """The modules of libraries that have been imported after this one, as `name,name`; for `learn`.

    Modules of libraries only: what a job's own modules do at import may depend on the run.
    """
    found = []
    # From the end: the others are not even looked at, which would be the first touch of their memory in this process.
    for name in reversed(list(_since(newest))):
        file = getattr(sys.modules.get(name), "__file__", None)
        if isinstance(file, str) and file.startswith(LIBRARIES):
            found.append(name)
    text = ",".join(found[:MOST_LEARNED])
    return text if len(text) <= LONGEST_LIST else ""


def _since(newest: str) -> Iterator[str]:
    for name in reversed(sys.modules):
        if name == newest:
            return
        yield name


def files_of_modules() -> list[str]:
    """Of everything in memory but Python itself."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    own = [file for file in files if isinstance(file, str) and not is_standard(file)]
    return sorted(set(own))


def is_standard(file: str) -> bool:
    return file.startswith(STANDARD) and "site-packages" not in file


def stamps(files: Iterable[str]) -> dict[str, Stamp | None]:
    """When each was changed, its size and its number; None for one that is gone."""
    found: dict[str, Stamp | None] = {}
    for file in files:
        try:
            told = os.stat(file)
        except OSError:
            found[file] = None
        else:
            found[file] = (told.st_mtime_ns, told.st_size, told.st_ino)
    return found
