"""A class that starts a program ends as that program did, unless its job says otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from django.template import Context, Template

from executions.models import Execution, State
from jobs.runners import clean_options
from jobs.runners.python_class import returned_code

from .running import run_class

SHELL = "jobs.classes.shell.ShellJob"
PYTHON = "jobs.classes.python.PythonJob"
LENIENT = {"fail_on_exit_code": False}


@pytest.mark.parametrize(
    ("path", "args", "code"),
    [
        (SHELL, ("sh", "-c", "exit 3"), 3),
        (SHELL, ("sh", "-c", "kill -9 $$"), 137),
        (PYTHON, ("str", "raise SystemExit('enough')"), 1),
        (PYTHON, ("str", "raise SystemExit(70)"), 70),
    ],
)
def test_another_code_than_0_fails_the_run_and_is_its_exit_code(
    path: str, args: tuple[str, ...], code: int
) -> None:
    outcome, _log = run_class(path, *args)
    assert (outcome.state, outcome.exit_code) == ("failed", code)
    assert outcome.message == f"Exited with code {code}"
    assert outcome.result is not None


def test_where_it_does_not_count_the_run_succeeds_and_shows_it() -> None:
    outcome, _log = run_class(SHELL, "sh", "-c", "exit 3", options=LENIENT)
    assert (outcome.state, outcome.exit_code, outcome.message) == ("success", 3, "")


def test_the_code_0_is_a_success() -> None:
    outcome, _log = run_class(SHELL, "true")
    assert (outcome.state, outcome.exit_code) == ("success", 0)


@pytest.mark.parametrize(
    "result", ["", "null", "[3]", '{"returncode": true}', '{"returncode": "3"}', "3", None]
)
def test_a_result_without_a_code_says_nothing_of_it(result: str | None) -> None:
    assert returned_code(result) is None


def test_a_class_that_leaves_with_a_text_says_it_in_its_log(settings: Any) -> None:
    settings.JOB_CLASS_PACKAGES = ["jobs.tests.samples"]
    outcome, log = run_class("jobs.tests.samples.Raises", "text")
    assert (outcome.state, outcome.exit_code) == ("failed", 1)
    assert "enough is enough" in log


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({}, {}),
        ({"fail_on_exit_code": ""}, {}),
        (LENIENT, LENIENT),
        ({"fail_on_exit_code": "false"}, LENIENT),
    ],
)
def test_nothing_said_means_that_it_counts(given: dict[str, Any], stored: dict[str, Any]) -> None:
    assert clean_options("python_class", {"job_class": SHELL} | given) == {"job_class": SHELL} | stored


@pytest.mark.parametrize(("state", "shown"), [(State.SUCCESS, "exit code 3"), (State.FAILED, "failed")])
def test_a_success_with_another_code_carries_a_warning(state: State, shown: str) -> None:
    run = Execution(state=state, exit_code=3)
    page = Template("{% load runs %}{% state_badge run %}").render(Context({"run": run}))
    assert shown in page
    assert ("badge warning" in page) == (state == State.SUCCESS)
