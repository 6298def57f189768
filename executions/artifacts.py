"""The files that runs left: where they lie, and reading them without following a link that a script may have planted.

    ARTIFACTS_DIR/<run, 32 hex digits>/<attempt>/<name>

Every part of a path below ARTIFACTS_DIR is opened relative to the directory before it, and none may be a symbolic link.
"""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from executions.models import Artifact
from scheduler_site.text import storable

LONGEST_NAME = Artifact._meta.get_field("name").max_length or 0
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the opening of a named pipe waits for whoever writes into it.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def is_name(name: str) -> bool:
    """Whether it names something below the folder of an attempt, and every database takes it as it is."""
    parts = name.split("/")
    return (
        len(name) <= LONGEST_NAME
        and storable(name) == name
        and all(part not in ("", ".", "..") for part in parts)
    )


def folder(run: uuid.UUID) -> Path:
    """What belongs to all attempts of a run."""
    return Path(settings.ARTIFACTS_DIR, run.hex)


def open_file(run: uuid.UUID, artifact: Artifact) -> BinaryIO:
    """The file, for reading. Raises FileNotFoundError where it is gone, or is no regular file that lies there itself."""
    if not is_name(artifact.name):
        raise FileNotFoundError(artifact.name)
    *folders, name = artifact.name.split("/")
    try:
        here = os.open(settings.ARTIFACTS_DIR, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in (run.hex, str(artifact.attempt), *folders):
                here = _step(here, part)
            descriptor = os.open(name, FILE, dir_fd=here)
        finally:
            os.close(here)
    except OSError as error:
        raise FileNotFoundError(artifact.name) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(artifact.name)
    return os.fdopen(descriptor, "rb")


def _step(here: int, part: str) -> int:
    """The directory `part` in the one that is open, which is closed unless this fails."""
    inner = os.open(part, DIRECTORY, dir_fd=here)
    os.close(here)
    return inner
