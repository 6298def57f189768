"""The examples of `make demo`: jobs that work, with a month behind them, and nothing left when they are taken away."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from executions.demo.examples import EXAMPLES
from executions.models import Execution, State
from incidents.models import Incident
from jobs.models import Job
from jobs.tests.factories import make_job
from notifications.models import Alert

pytestmark = pytest.mark.django_db


def test_it_fills_an_installation_with_jobs_that_have_a_past(
    ada: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("demo")
    assert "Created 8 example jobs with" in capsys.readouterr().out
    jobs = {job.name: job for job in Job.objects.all()}
    assert set(jobs) == {example.title for example in EXAMPLES}
    report = jobs["Example: morning report"]
    latest = Execution.objects.filter(job=report).first()
    assert latest is not None
    assert (latest.state, latest.error) == (State.FAILED, 'column "net_total" does not exist')
    assert {State.SUCCESS, State.FAILED, State.MISSED, State.TIMEOUT} <= set(
        Execution.objects.values_list("state", flat=True).distinct()
    )
    incident = Incident.objects.open().get(job_uid=report.uid)
    assert incident.count == 3
    assert not Alert.objects.exists()
    assert jobs["Example: weekly clean-up"].current_pause is not None
    assert all(job.next_run_at for job in jobs.values() if job.timing.expression and not job.current_pause)
    browser = Client()
    browser.force_login(ada)
    for page in ("/", "/jobs", "/executions", f"/jobs/{report.uid}", f"/executions/{latest.uid}"):
        assert browser.get(page).status_code == 200


def test_a_second_time_changes_nothing(ada: User) -> None:
    call_command("demo")
    before = Execution.objects.count()
    with pytest.raises(CommandError, match="already"):
        call_command("demo")
    assert (Job.objects.count(), Execution.objects.count()) == (8, before)


def test_it_takes_away_what_it_made_and_nothing_else(ada: User) -> None:
    mine = make_job(ada, name="Example: of my own")
    call_command("demo")
    call_command("demo", "--remove")
    assert list(Job.objects.all()) == [mine]


def test_without_an_administrator_it_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="There is no administrator"):
        call_command("demo")
