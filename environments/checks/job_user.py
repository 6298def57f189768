"""Checks whether jobs run as an account of their own (JOB_USER), and whether that account has the access it needs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from environments import os_account
from environments.checks.access_probe import reached
from environments.config import AccountUnusable, job_account
from environments.os_account import Account

ONE_ACCOUNT = (
    "jobs that run code run as the account of Belfry itself: who may run code can read its secrets and its database. "
    "JOB_USER keeps them apart (docs/security.md)"
)
# As root, or with the four capabilities of environments/os_account.py; deploy/systemd gives them.
_RIGHTS = (
    "Start the workers as root or with CAP_SETUID, CAP_SETGID, CAP_KILL and CAP_CHOWN (docs/security.md)."
)


def console_notice() -> str:
    """The notice at start if jobs run as Belfry's own account; else empty."""
    try:
        return "" if job_account() else ONE_ACCOUNT
    except AccountUnusable:
        return ""  # the check says so


@register("belfry")
def job_user(**_: Any) -> Iterable[CheckMessage]:
    """Asked only where it is set; the console says what it means when it is not."""
    if not settings.JOB_USER:
        return []
    try:
        whom = os_account.resolve(settings.JOB_USER, settings.JOB_GROUP)
    except LookupError as problem:
        hint = "Make the account, for example: useradd --system --shell /usr/sbin/nologin belfry-jobs"
        return [Error(f"JOB_USER={settings.JOB_USER}: {problem.args[0]}.", hint=hint, id="belfry.E042")]
    if whom.uid == 0:
        hint = "Name an account that owns nothing."
        return [Error("JOB_USER is root.", hint=hint, id="belfry.E042")]
    if whom.uid == os.geteuid():
        hint = "Name another account than the one that Belfry runs as."
        return [
            checks.Warning(
                "JOB_USER is the account of Belfry itself: nothing is kept apart.",
                hint=hint,
                id="belfry.W043",
            )
        ]
    if missing := os_account.missing_rights():
        lacks = f"this process lacks {', '.join(missing)}"
        text = f"Code cannot run as JOB_USER={settings.JOB_USER}: {lacks}. Jobs that run code end as errors."
        return [checks.Warning(text, hint=_RIGHTS, id="belfry.W044")]
    return list(_access(whom))


def _access(whom: Account) -> Iterator[CheckMessage]:
    needed, closed = _needed(), _closed()
    try:
        open_to_it = reached(whom, needed | closed)
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        text = f"What JOB_USER={whom.name} can read is not known: {problem}"
        yield checks.Warning(text, id="belfry.W045")
        return
    for path in (path for path in needed if path not in open_to_it):
        hint = f"Let {whom.name} read it, and pass through the folders above it: namei -m {path}"
        if path.startswith(f"{settings.DATA_DIR}{os.sep}"):
            hint = f"DATA_DIR is closed to {whom.name}, as it should be: set ENVIRONMENTS_DIR to a folder outside of it."
        yield checks.Warning(f"JOB_USER={whom.name} cannot use {path}.", hint=hint, id="belfry.W045")
    for path in (path for path in closed if path in open_to_it):
        hint = f"chmod go= {path}"
        yield checks.Warning(f"JOB_USER={whom.name} can read {path}.", hint=hint, id="belfry.W046")


def _needed() -> dict[str, int]:
    """The interpreter, what it imports, the packages of job classes, environments, temporary files."""
    read, enter = os.R_OK | os.X_OK, os.X_OK
    needed = {sys.executable: read, sysconfig.get_path("stdlib"): read, sysconfig.get_path("purelib"): read}
    for package in settings.JOB_CLASS_PACKAGES:
        needed |= dict.fromkeys(_folders(package), read)
    needed[tempfile.gettempdir()] = os.W_OK | enter
    homes = Path(settings.ENVIRONMENTS_DIR)
    if homes.is_dir():
        needed |= {str(homes): enter} | {
            str(home): read for home in homes.iterdir() if (home / "lock").exists()
        }
    else:
        nearest = next(path for path in homes.parents if path.exists())
        needed[str(nearest)] = enter
    return needed


def _folders(package: str) -> list[str]:
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    return [str(folder) for folder in (found.submodule_search_locations or ())] if found else []


def _closed() -> dict[str, int]:
    """What no job may read."""
    paths = [settings.BASE_DIR / ".env", settings.DATA_DIR, settings.RUNTIME_DIR]
    name = settings.DATABASES["default"]["NAME"]
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        paths.append(Path(str(name)))
    return {str(path): os.R_OK for path in paths if path.exists()}
