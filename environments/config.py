"""What backends are told of the settings, and what the processes in which they run see of the surroundings."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from environments.backends.base import Config

PROJECT_ROOT = str(Path(__file__).resolve().parents[1])
# An allow-list: a new secret needs no new rule. Package tools need the proxy, the certificates and pip's own settings.
PASSED = {
    *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"),
    *(
        "PIP_CONFIG_FILE",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_NO_INDEX",
        "PIP_CERT",
    ),
    *("CONDARC", "CONDA_ENVS_PATH", "CONDA_ENVS_DIRS", "MAMBA_ROOT_PREFIX"),
}


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
    passed = {
        name: value for name, value in os.environ.items() if name.upper() in PASSED or name.startswith("LC_")
    }
    return {"PATH": os.defpath, **passed, "PYTHONPATH": PROJECT_ROOT, "PYTHONUNBUFFERED": "1"}
