"""A variable of the environment that looks like a setting and is none is named when the programs are checked."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


def told(name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv(name, "x")
    return [
        f"{one.msg} {one.hint}" for one in run_checks() if one.id == "belfry.W050" and f" {name} " in one.msg
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SCHEDULER_TIME_ZONE", "SCHEDULER_TIMEZONE"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("JOB_END_DATE_POLCY", "JOB_END_DATE_POLICY"),
        ("BELFRY_SECRET_KEY", "SECRET_KEY"),
        ("scheduler_timezone", "SCHEDULER_TIMEZONE"),
    ],
)
def test_a_name_that_is_nearly_right_is_named(name: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = told(name, monkeypatch)
    assert f"Is {meant} meant?" in text


@pytest.mark.parametrize(
    "name",
    ["SCHEDULER_TIMEZONE", "SECRET_KEY_FILE", "BELFRY_PORT", "BELFRY_SERVICE_HOST", "REDIS_PORT", "HOSTNAME"],
)
def test_settings_and_variables_of_others_are_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(name, monkeypatch) == []
