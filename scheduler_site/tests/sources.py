"""The project's own source files, for tests that read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

NOT_SOURCES = {"var", "node_modules"}


def python_files() -> Iterator[Path]:
    """With the tests; installed packages and what Belfry has written are not searched through, which would take seconds."""
    for path in settings.BASE_DIR.iterdir():
        if path.name.startswith(".") or path.name in NOT_SOURCES:
            continue
        yield from path.rglob("*.py") if path.is_dir() else [path] if path.suffix == ".py" else []
