"""The list of job classes that pickers offer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jobs.classes.catalog import meta_infos

BROKEN = "import no_such_package"
GOOD = """
from jobs.classes.base import Job
from jobs.classes.shell import ShellJob

class Nightly(Job):
    notes = "Counts."
    arguments = ({"type": "int", "description": "how far"},)
    example_arguments = "[3]"

class Hidden(Job):
    @classmethod
    def available(cls):
        return False

class Careless(Job):
    @classmethod
    def meta_info(cls):
        raise RuntimeError("no meta")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "customer_jobs"
    (folder / "deep").mkdir(parents=True)
    for name, text in {"__init__": "", "good": GOOD, "broken": BROKEN, "deep/__init__": GOOD}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("customer_jobs")]:
        monkeypatch.delitem(sys.modules, name)
    return "customer_jobs"


def test_the_shipped_classes_are_listed_with_their_arguments() -> None:
    infos = {info["job_class_string"]: info for info in meta_infos(["jobs.classes"])}
    assert list(infos) == [
        "jobs.classes.curl.CurlJob",
        "jobs.classes.python.PythonJob",
        "jobs.classes.sample.AwesomeJob",
        "jobs.classes.shell.ShellJob",
        "jobs.classes.slack.SlackJob",
    ]
    for info in infos.values():
        assert set(info) == {"job_class_string", "notes", "arguments", "example_arguments"}
        assert info["arguments"]
        assert all(set(argument) == {"type", "description"} for argument in info["arguments"])


def test_a_customers_package_is_walked_and_its_broken_parts_are_skipped(
    package: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = [info["job_class_string"] for info in meta_infos([package])]
    assert found == ["customer_jobs.deep.Nightly", "customer_jobs.good.Nightly"]
    assert any(getattr(record, "module_name", "") == "customer_jobs.broken" for record in caplog.records)
    assert any("Careless" in getattr(record, "job_class", "") for record in caplog.records)


def test_a_package_that_does_not_exist_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert meta_infos(["no_such_package_at_all"]) == []
    assert len(caplog.records) == 1


def test_an_available_class_depends_on_its_own_answer(package: str) -> None:
    assert not any("Hidden" in info["job_class_string"] for info in meta_infos([package]))
