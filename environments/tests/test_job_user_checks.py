"""The system checks say where code is not kept apart, and where the account that is to run it cannot do its work."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from environments import os_account
from environments.checks import job_user

root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root changes accounts")


def found() -> list[tuple[str, str]]:
    return [(str(message.id), message.msg) for message in job_user.job_user()]


def test_without_one_nothing_is_checked_and_the_console_says_what_it_means(settings: Settings) -> None:
    settings.JOB_USER = ""
    assert found() == []
    assert "can read its secrets and its database" in job_user.console_notice()


@pytest.mark.parametrize("name", ["root", "nobody-of-this-name"])
def test_an_account_that_cannot_be_used_stops_the_start(settings: Settings, name: str) -> None:
    settings.JOB_USER = name
    assert [message for message, _text in found()] == ["belfry.E042"]


def test_an_own_account_keeps_nothing_apart(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.JOB_USER = "12345"
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert [message for message, _text in found()] == ["belfry.W043"]


def test_a_process_without_the_right_is_told_which(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_USER = "nobody"
    monkeypatch.setattr(os_account, "missing_rights", lambda: ["CAP_KILL"])
    ((number, text),) = found()
    assert number == "belfry.W044"
    assert "CAP_KILL" in text


@root
def test_what_it_cannot_read_is_named_and_what_it_must_not_read(settings: Settings) -> None:
    settings.JOB_USER = "nobody"
    with tempfile.TemporaryDirectory() as folder:
        above = Path(folder)
        above.chmod(0o755)
        homes, settings.DATA_DIR = above / "homes", above / "data"
        for path in (homes, settings.DATA_DIR):
            path.mkdir(mode=0o700)
        settings.ENVIRONMENTS_DIR = homes
        assert ("belfry.W045", f"JOB_USER=nobody cannot use {homes}.") in found()
        assert "belfry.W046" not in dict(found())
        homes.chmod(0o711)
        settings.DATA_DIR.chmod(0o755)
        assert f"cannot use {homes}." not in str(found())
        assert ("belfry.W046", f"JOB_USER=nobody can read {settings.DATA_DIR}.") in found()
