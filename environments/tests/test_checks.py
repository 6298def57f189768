"""The system checks name a directory that cannot be written and credentials that others can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environments.checks.directories import environments


def found() -> list[str]:
    return [str(message.id) for message in environments()]


def test_a_directory_that_can_be_made_is_no_cause_for_complaint(tmp_path: Path, settings: Any) -> None:
    settings.ENVIRONMENTS_DIR = tmp_path / "not" / "yet"
    assert found() == []


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").write_text("")
    settings.ENVIRONMENTS_DIR = tmp_path / "file" / "environments"
    (message,) = environments()
    assert (message.id, str(settings.ENVIRONMENTS_DIR) in message.msg) == ("belfry.W040", True)


@pytest.mark.parametrize(("mode", "ids"), [(0o600, []), (0o640, ["belfry.W041"]), (0o604, ["belfry.W041"])])
def test_credentials_that_others_can_read_are_named(
    mode: int, ids: list[str], tmp_path: Path, settings: Any
) -> None:
    settings.CONDA_AUTH_FILE = str(tmp_path / "auth.json")
    (tmp_path / "auth.json").write_text("{}")
    (tmp_path / "auth.json").chmod(mode)
    assert found() == ids


def test_credentials_that_are_missing_are_named(tmp_path: Path, settings: Any) -> None:
    settings.CONDA_AUTH_FILE = str(tmp_path / "nothing")
    assert found() == ["belfry.W041"]
