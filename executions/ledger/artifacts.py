"""The files that runs leave behind: where they are stored, and how they are read without following a link that a script made.

    ARTIFACTS_DIR/<run, 32 hex digits>/<attempt>/<name>

Every part of a path below ARTIFACTS_DIR is opened relative to the directory before it, and none may be a symbolic link.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import unicodedata
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.http import FileResponse
from django.urls import register_converter
from django.utils.http import content_disposition_header

from executions.models import Artifact, Execution
from jobs.children.files import remove_tree
from scheduler_site.lib.text import storable

log = logging.getLogger("executions.ledger.artifacts")

LONGEST_NAME = 500
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the opening of a named pipe waits for whoever writes into it.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FOLDER = re.compile(r"[0-9a-f]{32}")
# In one answer.
MOST_LISTED = 10_000
# Folders that are looked up in one query.
AT_ONCE = 500
# No browser takes it for anything but what its header says, runs anything in it, or shows it inside a page.
INERT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}


class Name:
    """The converter of a route: an artifact's name, which may hold whatever the name of a file may."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Name, "artifact")


def is_name(name: str) -> bool:
    """Whether it names something below the folder of an attempt, and every database takes it as it is."""
    parts = name.split("/")
    return (
        len(name) <= LONGEST_NAME
        and storable(name) == name
        and all(part not in ("", ".", "..") for part in parts)
    )


def named(run: Execution, name: str, attempt: int | None = None) -> Artifact | None:
    """The artifact of this name, of the last attempt that left one unless an attempt is given."""
    if not is_name(name):
        return None
    found = run.artifacts.filter(name=name).order_by("-attempt", "-id")
    rows = found if attempt is None else found.filter(attempt=attempt)
    # Some databases compare without regard to case or trailing spaces.
    return next((row for row in rows if row.name == name), None)


def opened(run: uuid.UUID, artifact: Artifact) -> BinaryIO:
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


def download(run: Execution, artifact: Artifact, media_type: str = "") -> FileResponse:
    """The file as an answer: to be saved, or with a `media_type` to be shown. Raises FileNotFoundError."""
    file = opened(run.uid, artifact)
    answer = FileResponse(file, content_type=media_type or "application/octet-stream", headers=INERT)
    answer.headers["Content-Length"] = str(os.fstat(file.fileno()).st_size)
    answer.headers["Content-Disposition"] = disposition(artifact.name, save=not media_type)
    return answer


def disposition(name: str, *, save: bool = True) -> str:
    """The header that names the file. Characters that end a header, or turn the name around, become `_`."""
    last = name.rpartition("/")[2]
    plain = "".join("_" if unicodedata.category(one).startswith("C") else one for one in last)
    return content_disposition_header(save, plain) or "attachment"


# Removing ------------------------------------------------------------------------------------------------------------


def sweep() -> int:
    """Removes the folders whose runs are not on record any more; how many.

    A run's row is written before its folder is made: what has no row now will never have one.
    """
    folders, removed = _folders(), 0
    while names := list(islice(folders, AT_ONCE)):
        uids = {name: uuid.UUID(name) for name in names}
        known = set(Execution.objects.filter(uid__in=uids.values()).values_list("uid", flat=True))
        removed += sum(
            _remove(Path(settings.ARTIFACTS_DIR, name)) for name in names if uids[name] not in known
        )
    return removed


def _folders() -> Iterator[str]:
    try:
        with os.scandir(settings.ARTIFACTS_DIR) as entries:
            yield from (entry.name for entry in entries if FOLDER.fullmatch(entry.name))
    except FileNotFoundError:
        return


def _remove(folder: Path) -> bool:
    """Removes a folder, following no link; what cannot be removed now is tried again the next time."""
    try:
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink()
        else:
            remove_tree(str(folder))
    except OSError as error:
        log.warning("artifacts_left", extra={"folder": folder.name, "error": str(error)})
    return not os.path.lexists(folder)
