"""Which Python classes a job may name, and with which arguments."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django.fixtures import Settings

from jobs.runners import RUNNERS, clean_options

AWESOME = "jobs.classes.sample.AwesomeJob"


def refused(options: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        clean_options("python_class", options)
    return caught.value.message_dict


def test_a_shipped_class_is_accepted() -> None:
    options = {"job_class": AWESOME, "args": ["a", 1, None, {"b": [True]}]}
    assert clean_options("python_class", options) == options


def test_arguments_may_be_left_out_or_be_json_text() -> None:
    assert clean_options("python_class", {"job_class": AWESOME}) == {"job_class": AWESOME}
    assert clean_options("python_class", {"job_class": AWESOME, "args": '["a"]'})["args"] == ["a"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "AwesomeJob",
        "os.system",
        "jobs.classesevil.X",
        "jobs.classes",
        "jobs.models.Job",
        "jobs.classes..sample.AwesomeJob",
        ".jobs.classes.sample.AwesomeJob",
        "jobs.classes.sample.AwesomeJob;x",
        "jobs.classes.sample.AwesomeJob\n",
        "jobs.classes.sämple.AwesomeJob",
        "jobs/classes/sample.AwesomeJob",
        "jobs.classes.sample.Missing",
        "jobs.classes.missing.Job",
        "jobs.classes.shell.subprocess.Popen",
        "jobs.classes.base.Job",
        "jobs.classes.base.load",
        "jobs.classes.sample." + "A" * 300,
    ],
)
def test_another_path_is_refused(path: str) -> None:
    if path.endswith("\n"):  # the form strips blanks, as it does for every text
        assert clean_options("python_class", {"job_class": path})["job_class"] == AWESOME
    else:
        assert list(refused({"job_class": path})) == ["job_class"]


def test_the_allowed_packages_are_a_setting(settings: Settings) -> None:
    settings.JOB_CLASS_PACKAGES = ["jobs.tests.samples"]
    assert clean_options("python_class", {"job_class": "jobs.tests.samples.Echo"})
    assert "jobs.tests.samples" in refused({"job_class": AWESOME})["job_class"][0]
    assert list(refused({"job_class": "jobs.tests.samples.NoJob"})) == ["job_class"]


@pytest.mark.parametrize("args", [{"a": 1}, "text", 5, "[1", [float("nan")], list(range(101)), ["x" * 65536]])
def test_arguments_that_are_no_short_list_of_json_values_are_refused(args: Any) -> None:
    assert list(refused({"job_class": AWESOME, "args": args})) == ["args"]


def test_it_needs_the_right_to_run_code() -> None:
    assert RUNNERS["python_class"].needs_code_right
    assert not RUNNERS["webhook"].needs_code_right
