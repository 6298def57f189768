"""A real environment for the tests of scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from .scripts import Home, make_home


@pytest.fixture(scope="session")
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("environments"))


@pytest.fixture
def home(_environment: Home, settings: Settings, tmp_path: Path) -> Home:
    """An environment without packages, and an empty place for artifacts."""
    settings.ENVIRONMENTS_DIR = _environment.root
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    return _environment
