"""Clients of /api/v1 know a class and its arguments; what else a job says stays when they change it."""

from __future__ import annotations

import pytest

from accounts.models import User
from compat.ndscheduler.payload import _kind
from jobs.models import Job
from jobs.tests.factories import make_job

SHELL = "jobs.classes.shell.ShellJob"


@pytest.mark.django_db
def test_a_client_that_knows_no_working_directory_leaves_it_alone(ada: User) -> None:
    options = {"job_class": SHELL, "args": ["ls"], "working_directory": "/srv"}
    job = make_job(ada, kind=Job.Kind.PYTHON_CLASS, options=options)
    assert _kind(SHELL, ["ls", "-l"], job)["options"] == options | {"args": ["ls", "-l"]}
    assert _kind(SHELL, ["ls"], None)["options"] == {
        "job_class": SHELL,
        "args": ["ls"],
        "fail_on_exit_code": False,
    }
