"""Files that a script leaves in BELFRY_ARTIFACTS: a folder before the run, a list of what is kept after it."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from environments.config import job_account
from environments.os_account import Account, files_of
from jobs.children.files import remove_tree

from ..base import File, Spec

LONGEST_NAME = 500
MOST_LINES = 20
# Control characters and what turns the direction of writing, halves of surrogates, separators of lines.
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class Place:
    """Where the files of one attempt are left, and where they are kept: the same, unless code runs as another account."""

    kept: Path
    left: Path
    account: Account | None = None


def place_of(spec: Spec) -> Place:
    """Raises AccountUnusable."""
    run, attempt, account = uuid.UUID(spec.run_id).hex, str(spec.attempt), job_account()
    kept = Path(settings.ARTIFACTS_DIR, run, attempt)
    # DATA_DIR is closed to the other account, and what is kept is no concern of the runs that come after.
    left = Path(tempfile.gettempdir(), f"belfry-artifacts-{run}-{attempt}") if account else kept
    return Place(kept, left, account)


def prepare(place: Place) -> None:
    """An empty folder for this attempt alone. Raises OSError."""
    place.kept.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.kept.parent.mkdir(mode=0o700, exist_ok=True)
    remove_tree(str(place.kept))  # of a worker that died in this attempt
    if place.account:
        with files_of(place.account):
            remove_tree(str(place.left))
    place.left.mkdir(mode=0o700)
    if place.account:
        os.chown(place.left, place.account.uid, place.account.gid, follow_symlinks=False)


def collect(place: Place, log: Callable[[str], None]) -> tuple[File, ...]:
    """What is kept, by name; everything else is removed, and `log` is told of it. Nothing of the run lives any more."""
    with files_of(place.account):
        kept = _sorted_out(place, log)
    if not place.account:
        return kept
    try:
        return tuple(filter(None, (_taken_over(file, place, log) for file in kept)))
    finally:
        with files_of(place.account):
            remove_tree(str(place.left))


def _taken_over(file: File, place: Place, log: Callable[[str], None]) -> File | None:
    """A copy that belongs to Belfry. Other runs of the same account live on: what they put in the way is not read."""
    assert place.account  # noqa: S101
    try:
        with files_of(place.account):
            handle = os.open(place.left / file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as source:  # noqa: PTH123 - a descriptor
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode) or about.st_uid != place.account.uid:
                raise OSError(errno.EPERM, "it was replaced")
            target = place.kept / file.name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with target.open("xb") as copy:
                copied = _copied(source, copy, file.size)
    except OSError as problem:
        log(f"Artifact not kept: {_readable(file.name)}: {problem.strerror}")
        return None
    return File(file.name, copied)


def _copied(source: IO[bytes], copy: IO[bytes], size: int) -> int:
    """At most what was measured."""
    left = size
    while left and (data := source.read(min(left, 1024 * 1024))):
        copy.write(data)
        left -= len(data)
    return size - left


def _sorted_out(place: Place, log: Callable[[str], None]) -> tuple[File, ...]:
    folder = place.left
    if not _is_ours(place):
        log("Artifacts not kept: their folder was removed or replaced.")
        return ()
    kept: list[File] = []
    left_out: list[str] = []
    room = settings.ARTIFACTS_MAX_BYTES
    for entry in _entries(folder):
        reason = entry.problem or _beyond(entry, len(kept), room)
        if reason:
            left_out.append(f"{_readable(entry.name)}: {reason}")
            _remove(entry.path)
        else:
            kept.append(File(entry.name, entry.size))
            room -= entry.size
    for line in left_out[:MOST_LINES]:
        log(f"Artifact not kept: {line}")
    if len(left_out) > MOST_LINES:
        log(f"Artifacts not kept: {len(left_out) - MOST_LINES} more")
    if not kept:
        _remove_folder(folder)
    return tuple(kept)


def _is_ours(place: Place) -> bool:
    """Still the folder that was made, not a link to another one."""
    try:
        above = place.left.parent if place.account else Path(settings.ARTIFACTS_DIR)
        expected = above.resolve() / place.left.relative_to(above)
        return place.left.is_dir() and place.left.resolve() == expected
    except (OSError, RuntimeError):
        return False


@dataclass(frozen=True)
class _Entry:
    path: str
    name: str
    size: int
    problem: str = ""


def _entries(folder: Path) -> Iterator[_Entry]:
    """Everything in it that is no folder, by name; folders that cannot be read, or lie too deep, are entries too."""
    pending = [(str(folder), "")]
    while pending:
        path, above = pending.pop()
        try:
            Path(path).chmod(0o700)
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as problem:
            yield _Entry(path, above.rstrip("/"), 0, f"cannot be read ({problem.strerror})")
            continue
        folders = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append((entry.path, f"{above}{entry.name}/"))
            else:
                yield _file(entry.path, above + entry.name)
        pending += reversed(folders)


def _file(path: str, name: str) -> _Entry:
    try:
        about = os.lstat(path)
        if not stat.S_ISREG(about.st_mode):
            link = stat.S_ISLNK(about.st_mode)
            return _Entry(path, name, 0, "a symbolic link" if link else "not a regular file")
        if about.st_nlink > 1:  # could be changed from outside later
            return _Entry(path, name, 0, "a hard link")
        Path(path).chmod(0o600)
    except OSError as problem:
        return _Entry(path, name, 0, f"cannot be read ({problem.strerror})")
    return _Entry(path, name, about.st_size, _problem_of_name(name))


def _problem_of_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return f"its name has more than {LONGEST_NAME} characters"
    if any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        return "its name has control characters"
    return ""


def _beyond(entry: _Entry, count: int, room: int) -> str:
    if count >= settings.ARTIFACTS_MAX_FILES:
        return f"more than {settings.ARTIFACTS_MAX_FILES} files (ARTIFACTS_MAX_FILES)"
    if entry.size > room:
        return f"{entry.size} bytes are too many, all may have {settings.ARTIFACTS_MAX_BYTES} (ARTIFACTS_MAX_BYTES)"
    return ""


def _remove(path: str) -> None:
    try:
        Path(path).unlink()
    except OSError:
        remove_tree(path)


def _remove_folder(folder: Path) -> None:
    remove_tree(str(folder))
    try:
        folder.parent.rmdir()
    except OSError:
        return  # earlier attempts left something


def _readable(name: str) -> str:
    """A name for the log: what cannot be printed is escaped, and the middle of a long one left out."""
    text = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "replace").decode()
        for character in name.encode(errors="backslashreplace").decode()
    )
    return text if len(text) <= 120 else f"{text[:60]}...{text[-50:]}"
