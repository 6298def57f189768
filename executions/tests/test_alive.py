"""`manage.py alive`: whether the process of a role on this host lives, for those who start it anew."""

from __future__ import annotations

import datetime as dt
import socket

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from executions.models import Heartbeat
from executions.monitoring import heartbeat
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db

HERE = socket.gethostname()


def seen(role: str, ago: float, host: str = HERE) -> None:
    at = clock.now() - dt.timedelta(seconds=ago)
    Heartbeat.objects.create(name=f"{role} {host}:7-ab{ago}", role=role, at=at, started_at=at)


def test_a_role_with_a_fresh_sign_of_life_on_this_host_lives(capsys: pytest.CaptureFixture[str]) -> None:
    seen("beat", 300)
    seen("beat", 3)
    call_command("alive", "beat")
    assert f"A beat on {HERE} gave a sign of life 3 s ago." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("role", "ago", "host", "why"),
    [
        ("code", 40, HERE, "40 s old"),
        ("io", 3, HERE, "No sign of life of a code"),
        ("code", 3, "elsewhere", "No sign of life of a code"),
    ],
)
def test_an_old_sign_one_of_another_role_or_of_another_host_is_none(
    role: str, ago: float, host: str, why: str
) -> None:
    seen(role, ago, host)
    with pytest.raises(CommandError, match=why):
        call_command("alive", "code")


def test_a_database_that_is_away_is_no_reason_to_start_a_process_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(_now: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(heartbeat, "processes", away)
    call_command("alive", "system")
    assert "The database does not answer" in capsys.readouterr().out
