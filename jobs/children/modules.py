"""The modules imported in this process: their files, whether these have changed, and which modules a run has added.

What follows from a change is decided in class_server.py.
"""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH120

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterable, Iterator

from jobs.classes.fresh_imports import LIBRARIES, STANDARD, Stamp, read, stamp

MOST_LEARNED = 2000  # modules that are taken over from one run
LONGEST_LIST = 1 << 16  # characters of their names


def learn(names: Iterable[str]) -> None:
    """Imports libraries that a run has imported; errors are ignored."""
    for name in names:
        if name not in sys.modules:
            # sys.exit() too: the runs that go on here need this process.
            with contextlib.suppress(BaseException):
                importlib.import_module(name)


def loaded_libraries(newest: str) -> str:
    """The modules of libraries that have been imported after this one, as `name,name`; for `learn`.

    Modules of libraries only: what a job's own modules do at import may depend on the run.
    """
    found = []
    # From the end: the others are not even looked at, which would be the first touch of their memory in this process.
    for name in reversed(list(_since(newest))):
        file = getattr(sys.modules.get(name), "__file__", None)
        if isinstance(file, str) and is_library(file):
            found.append(name)
    text = ",".join(found[:MOST_LEARNED])
    return text if len(text) <= LONGEST_LIST else ""


def _since(newest: str) -> Iterator[str]:
    for name in reversed(sys.modules):
        if name == newest:
            return
        yield name


def files_of_modules() -> set[str]:
    """Of everything in memory but Python itself. For libraries, which are installed and not edited, their folders."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    found = [file for file in files if isinstance(file, str) and not is_standard(file)]
    return {os.path.dirname(file) if is_library(file) else file for file in found}


def is_library(path: str) -> bool:
    """Whether it is where packages are installed."""
    return path.startswith(LIBRARIES)


def is_standard(file: str) -> bool:
    return file.startswith(STANDARD) and "site-packages" not in file


def stamps(files: Iterable[str]) -> dict[str, Stamp | None]:
    """As they are now; None for one that is gone."""
    found: dict[str, Stamp | None] = dict.fromkeys(files)
    for file in found:
        try:  # noqa: SIM105 - this is done for each run
            found[file] = stamp(file)
        except OSError:
            pass
    return found


def stamps_at_import(files: Iterable[str]) -> dict[str, Stamp | None]:
    """As they were when they were read, where that is known: a file may have changed since."""
    found = stamps(files)
    return found | {file: read[file] for file in found.keys() & read.keys()}
