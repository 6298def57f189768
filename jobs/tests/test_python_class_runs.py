"""A python_class job from its spec to its outcome."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest
from pytest_django.fixtures import Settings

from jobs.runners import RUNNERS, CodeRunner, Context

from .running import RUN_ID, run_class, spec_for

SAMPLES = "jobs.tests.samples"


@pytest.fixture(autouse=True)
def _samples_are_allowed(settings: Settings) -> None:
    settings.JOB_CLASS_PACKAGES = [SAMPLES, "jobs.classes"]


def test_it_returns_its_result_and_log() -> None:
    outcome, _log = run_class(f"{SAMPLES}.Echo", "a", 1)
    assert (outcome.state, outcome.exit_code, outcome.message) == ("success", 0, "")
    assert json.loads(outcome.result or "") == ["a", 1]
    assert outcome.target == f"{SAMPLES}.Echo"
    assert outcome.peak_memory


def test_an_exception_fails_it() -> None:
    outcome, log = run_class(f"{SAMPLES}.Raises")
    assert (outcome.state, outcome.message) == ("failed", "TypeError: a text is not a number")
    assert (outcome.result, outcome.retryable) == (None, True)
    assert "Traceback" in log


@pytest.mark.parametrize(
    "path", [f"{SAMPLES}.NoJob", f"{SAMPLES}.Gone", "os.system", "jobs.classesevil.X", "", "x"]
)
def test_what_may_not_or_cannot_be_loaded_is_an_error_and_not_retried(path: str) -> None:
    outcome, _log = run_class(path)
    assert (outcome.state, outcome.retryable) == ("error", False)
    assert outcome.message


def test_its_time_limit_makes_it_a_timeout() -> None:
    outcome, log = run_class(f"{SAMPLES}.Waits", timeout=1.0)
    assert (outcome.state, outcome.message) == ("timeout", "Not finished within 1 s")
    assert "waiting" in log


def test_a_stop_makes_it_stopped() -> None:
    cancelled, runner = threading.Event(), RUNNERS["python_class"]
    assert isinstance(runner, CodeRunner)

    def log(text: str) -> None:
        cancelled.set()

    spec = spec_for("python_class", {"job_class": f"{SAMPLES}.Waits"})
    outcome = runner.run(Context(spec, cancelled, log))
    assert (outcome.state, outcome.exit_code) == ("stopped", 143)


def test_it_knows_its_run_and_the_variables_the_operator_passes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_CLASS_ENV = ["PASSED_ON"]
    monkeypatch.setenv("PASSED_ON", "yes")
    monkeypatch.setenv("SECRET_KEY", "canary")
    slot = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    _outcome, log = run_class("jobs.classes.shell.ShellJob", "env", slot=slot, attempt=2, job_name="a\nb")
    lines = log.splitlines()
    assert f"BELFRY_RUN_ID={RUN_ID}" in lines
    assert "BELFRY_JOB=a b" in lines
    assert "BELFRY_SLOT=2026-10-25T00:30:00+00:00" in lines
    assert "BELFRY_ATTEMPT=2" in lines
    assert "PASSED_ON=yes" in lines
    assert "canary" not in log


def test_limits_come_from_the_settings(settings: Settings) -> None:
    settings.JOB_OPEN_FILES = 64
    _outcome, log = run_class("jobs.classes.shell.ShellJob", "sh", "-c", "ulimit -n")
    assert log.strip() == "64"
