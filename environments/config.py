"""What backends are told of the settings, and what the processes in which they run see of the surroundings."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from environments.backends.base import Config
from environments.backends.processes import clean_environment

# Tells the child that its standard input stays open as long as it is wanted.
LIFELINE = "BELFRY_LIFELINE"
PROJECT_ROOT = str(Path(__file__).resolve().parents[1])


def config() -> Config:
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
    return clean_environment(os.environ) | {"PYTHONPATH": PROJECT_ROOT, LIFELINE: "1"}
