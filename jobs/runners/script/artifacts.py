"""Files that a script leaves in BELFRY_ARTIFACTS: a folder before the run, a list of what is kept after it."""

from __future__ import annotations

import os
import stat
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from jobs.children.files import remove_tree

from ..base import File, Spec

LONGEST_NAME = 500
MOST_LINES = 20
# Control characters and what turns the direction of writing, halves of surrogates, separators of lines.
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def folder_of(spec: Spec) -> Path:
    return Path(settings.ARTIFACTS_DIR, uuid.UUID(spec.run_id).hex, str(spec.attempt))


def prepare(spec: Spec) -> Path:
    """An empty folder for this attempt alone. Raises OSError."""
    folder = folder_of(spec)
    folder.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    remove_tree(str(folder))  # of a worker that died in this attempt
    folder.mkdir(mode=0o700)
    return folder


def collect(folder: Path, log: Callable[[str], None]) -> tuple[File, ...]:
    """What is kept, by name; everything else is removed, and `log` is told of it. Nothing of the run lives any more."""
    if not _is_ours(folder):
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


def _is_ours(folder: Path) -> bool:
    """Still the folder that was made, not a link to another one."""
    try:
        root = Path(settings.ARTIFACTS_DIR).resolve()
        return folder.is_dir() and folder.resolve() == root / folder.relative_to(settings.ARTIFACTS_DIR)
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
