"""What one run of code may use is bounded by the installation, whatever its job says."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from pytest_django.fixtures import Settings

from jobs.children.values import Ceilings
from jobs.runners import clean_options
from jobs.runners.limits import allowed, bounds, ceilings
from scheduler_site.lib import env

from .running import run_class

PYTHON = "jobs.classes.python.PythonJob"
HOLD = "b = bytearray(200 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\nimport time; time.sleep(20)"
FORK = (
    "import os, time\nfor _ in range(30):\n    if os.fork() == 0: time.sleep(20); os._exit(0)\ntime.sleep(20)"
)
WRITE = "open('large', 'wb').truncate(3 << 20)"


def test_a_python_class_that_takes_too_much_memory_is_ended_and_says_so(settings: Settings) -> None:
    settings.JOB_MEMORY_MB = 100
    outcome, _log = run_class(PYTHON, "str", HOLD)
    assert outcome.state == "failed"
    assert "Memory limit exceeded" in outcome.message
    assert "100 MiB are allowed" in outcome.message


def test_one_that_forks_too_often_is_ended_and_says_so(settings: Settings) -> None:
    settings.JOB_PROCESSES = 20
    outcome, _log = run_class(PYTHON, "str", FORK)
    assert outcome.state == "failed"
    assert "Process limit exceeded" in outcome.message
    assert "20 are allowed" in outcome.message


def test_a_file_that_grows_too_large_is_not_written(settings: Settings) -> None:
    settings.JOB_FILE_SIZE_MB = 2
    outcome, log = run_class(PYTHON, "str", WRITE)
    assert outcome.state == "failed"
    assert "File too large" in log


def test_without_limits_nothing_is_taken_away(settings: Settings) -> None:
    settings.JOB_MEMORY_MB = settings.JOB_PROCESSES = settings.JOB_FILE_SIZE_MB = 0
    assert run_class(PYTHON, "str", WRITE)[0].state == "success"


def test_a_job_cannot_ask_for_more_than_the_installation_allows(settings: Settings) -> None:
    settings.JOB_MEMORY_MB, settings.JOB_CPU_SECONDS = 512, 60
    for option, value in (("memory_limit", 513), ("cpu_limit", 61)):
        with pytest.raises(ValidationError, match="at most"):
            clean_options("script", {"script": "pass", option: value})
        assert clean_options("script", {"script": "pass", option: value - 1})[option] == value - 1


def test_of_two_limits_the_lower_one_holds() -> None:
    job, bounds = Ceilings(memory=5, processes=9), Ceilings(memory=7, cpu=1.0, processes=3)
    assert job.within(bounds) == Ceilings(memory=5, cpu=1.0, processes=3)


def test_a_job_of_each_kind_may_ask_for_less(settings: Settings) -> None:
    outcome, _log = run_class(PYTHON, "str", HOLD, options={"memory_limit": 100})
    assert (outcome.state, "100 MiB are allowed" in outcome.message) == ("failed", True)
    outcome, _log = run_class(PYTHON, "str", FORK, options={"process_limit": 20})
    assert (outcome.state, "20 are allowed" in outcome.message) == ("failed", True)
    outcome, log = run_class(PYTHON, "str", WRITE, options={"file_size_limit": 2})
    assert (outcome.state, "File too large" in log) == ("failed", True)
    limit = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[1])"
    assert run_class(PYTHON, "str", limit, options={"open_files_limit": 64})[1].strip() == "64"


@pytest.mark.parametrize("kind", ["script", "python_class"])
def test_a_kind_may_have_bounds_of_its_own(settings: Settings, kind: str) -> None:
    settings.JOB_MEMORY_MB, settings.JOB_PROCESSES = 512, 0
    settings.JOB_LIMITS_OF_KINDS = {kind: {"memory_mb": 256, "processes": 5}}
    assert bounds(kind)["memory_limit"] == 256
    assert ceilings(allowed(kind, {"memory_limit": 300})).memory == 256 * 2**20
    assert ceilings(allowed(kind, {"process_limit": 3})).processes == 3
    what = {"script": "pass"} if kind == "script" else {"job_class": PYTHON}
    for option, value in (("memory_limit", 257), ("process_limit", 6)):
        with pytest.raises(ValidationError, match="at most"):
            clean_options(kind, what | {option: value})
        assert clean_options(kind, what | {option: value - 1})[option] == value - 1


def test_bounds_of_a_kind_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_LIMITS_SCRIPT", "memory_mb=512, processes=20")
    assert env.numbers("JOB_LIMITS_SCRIPT", "memory_mb", "processes") == {"memory_mb": 512, "processes": 20}
    for text in ("memory=5", "memory_mb=x", "memory_mb=0", "memory_mb=-1", "memory_mb=٣"):
        monkeypatch.setenv("JOB_LIMITS_SCRIPT", text)
        with pytest.raises(ImproperlyConfigured, match="JOB_LIMITS_SCRIPT"):
            env.numbers("JOB_LIMITS_SCRIPT", "memory_mb", "processes")
