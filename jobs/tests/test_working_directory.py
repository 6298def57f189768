"""Where a Python class runs: in a directory of its own, or in the one that was chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from jobs.models import Job
from jobs.runners import clean_options
from jobs.tests.factories import make_job
from jobs.tests.pages import browser
from jobs.tests.running import run_class

SHELL = "jobs.classes.shell.ShellJob"


def test_the_program_finds_what_lies_in_its_working_directory(tmp_path: Path) -> None:
    (tmp_path / "backup.sh").write_text("#!/bin/sh\necho in $PWD\n")
    (tmp_path / "backup.sh").chmod(0o755)
    outcome, log = run_class(SHELL, "./backup.sh", options={"working_directory": str(tmp_path)})
    assert (outcome.state, log.strip()) == ("success", f"in {tmp_path}")
    assert (tmp_path / "backup.sh").exists()


def test_without_one_it_runs_in_a_temporary_directory(tmp_path: Path) -> None:
    _outcome, log = run_class(SHELL, "pwd")
    assert log.strip().startswith("/")
    assert not Path(log.strip()).exists()


def test_a_directory_that_is_not_there_is_named_and_nothing_runs(tmp_path: Path) -> None:
    missing, mark = tmp_path / "none", tmp_path / "mark"
    outcome, _log = run_class(SHELL, "touch", str(mark), options={"working_directory": str(missing)})
    assert outcome.state == "error"
    assert outcome.message == f"The working directory {missing} does not exist on this server."
    assert not mark.exists()


@pytest.mark.parametrize("path", ["backup", "~/backup", "./x", " /srv", "/a\0b"])
def test_only_an_absolute_path_is_accepted(path: str) -> None:
    given = {"job_class": SHELL, "working_directory": path}
    if path.startswith(" "):  # blanks at its ends are taken away, as from every text
        assert clean_options("python_class", given)["working_directory"] == path.strip()
        return
    with pytest.raises(ValidationError) as caught:
        clean_options("python_class", given)
    assert list(caught.value.message_dict) == ["working_directory"]


@pytest.mark.django_db
def test_the_form_offers_it(ada: User) -> None:
    options = {"job_class": SHELL, "args": ["ls"], "working_directory": "/srv"}
    job = make_job(ada, kind=Job.Kind.PYTHON_CLASS, options=options)
    assert 'value="/srv"' in browser(ada).get(f"/jobs/{job.uid}/edit").content.decode()
