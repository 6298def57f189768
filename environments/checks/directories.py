"""Warns of directories and files of environments that cannot be used, or that others can read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, register


@register("belfry")
def environments(**_: Any) -> Iterable[CheckMessage]:
    return [*_directory(), *_credentials()]


def _directory() -> Iterator[CheckMessage]:
    """Where environments are made; it need not exist yet."""
    wanted = Path(settings.ENVIRONMENTS_DIR)
    nearest = next(path for path in (wanted, *wanted.parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        hint = "Set ENVIRONMENTS_DIR to a directory that this account may write into, the same on all hosts."
        text = f"ENVIRONMENTS_DIR={wanted} cannot be written: no environment can be made."
        yield checks.Warning(text, hint=hint, id="belfry.W040")


def _credentials() -> Iterator[CheckMessage]:
    """Whoever reads this file may use the channels that it opens."""
    if not settings.CONDA_AUTH_FILE:
        return
    file = Path(settings.CONDA_AUTH_FILE)
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        text = f"CONDA_AUTH_FILE={file} cannot be read: {error.strerror}."
        yield checks.Warning(
            text, hint="Set it to the file with the credentials, or to nothing.", id="belfry.W041"
        )
        return
    if mode & 0o077:
        hint = f"chmod 600 {file}"
        text = f"CONDA_AUTH_FILE={file} is open to other accounts (mode {mode:04o})."
        yield checks.Warning(text, hint=hint, id="belfry.W041")
