"""The settings that backends receive, and the environment variables of their processes."""

from __future__ import annotations

import json
import os
from pathlib import Path

from django.conf import settings

from environments import os_account
from environments.backends.base import Config
from environments.backends.processes import clean_environment
from environments.os_account import Account

# Tells the child that its standard input stays open as long as it is wanted.
LIFELINE = "BELFRY_LIFELINE"
# Tells the child whom to become: the fields of an Account, as JSON.
ACCOUNT = "BELFRY_ACCOUNT"
PROJECT_ROOT = str(Path(__file__).resolve().parents[1])


class AccountUnusable(Exception):
    """Why code cannot run as JOB_USER; then it does not run at all."""


def job_account() -> Account | None:
    """Whom code runs as, or None where that is Belfry's own account. Raises AccountUnusable."""
    if not settings.JOB_USER:
        return None
    try:
        found = os_account.resolve(settings.JOB_USER, settings.JOB_GROUP)
    except LookupError as problem:
        raise AccountUnusable(f"JOB_USER={settings.JOB_USER}: {problem.args[0]}.") from None
    if found.uid == 0:
        raise AccountUnusable(f"JOB_USER={settings.JOB_USER} is root.")
    if found.uid == os.geteuid():
        return None
    if missing := os_account.missing_rights():
        raise AccountUnusable(
            f"This process may not run code as {settings.JOB_USER}: it lacks {', '.join(missing)}."
        )
    return found


def config() -> Config:
    """What the settings say to the tools that make environments; the timeout in seconds."""
    return Config(
        cache_dir=str(settings.ENVIRONMENTS_DIR / "cache"),
        channels=tuple(settings.CONDA_CHANNELS),
        channel_alias=settings.CONDA_CHANNEL_ALIAS,
        auth_file=settings.CONDA_AUTH_FILE,
        index_url=settings.PYPI_INDEX_URL,
        conda_exe=settings.CONDA_EXE,
        timeout=float(settings.ENVIRONMENT_OPERATION_SECONDS),
    )


def surroundings() -> dict[str, str]:
    """The variables of a child process: what package tools need, and nothing that is ours."""
    ours = {"PYTHONPATH": PROJECT_ROOT, LIFELINE: "1"}
    if whom := job_account():
        ours |= whom.variables | {ACCOUNT: json.dumps(whom)}
    return clean_environment(os.environ) | ours
