"""Finds the processes of a test by a word in their command line, environment or directory; ends only those."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


def marked(word: str) -> dict[int, str]:
    """The living processes that carry the word, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes()
            # A dead one that nobody has taken notice of yet has no command line.
            if line and word.encode() in b" ".join((line, *_surroundings(entry))):
                found[int(entry.name)] = line.replace(b"\0", b" ").decode(errors="replace")
    return found


def _surroundings(entry: Path) -> Iterator[bytes]:
    """The environment and the current directory: some programs overwrite one, some leave the other."""
    with contextlib.suppress(OSError):
        yield (entry / "environ").read_bytes()
    with contextlib.suppress(OSError):
        yield os.fsencode((entry / "cwd").readlink())


def eventually(question: Callable[[], Value], seconds: float = 60) -> Value:
    """The answer, as soon as it is truthy; the last one when time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def none_left(word: str, seconds: float = 60) -> dict[int, str]:
    """What is left of the marked processes after they had this time to end: nothing, if all is well."""
    eventually(lambda: not marked(word), seconds)
    return marked(word)


def end_all(word: str) -> None:
    for pid in marked(word):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
