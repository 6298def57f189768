"""Where one may not do something, the page says whom to ask: the owner and the team, who answer for the job."""

from __future__ import annotations

import pytest

from accounts.models import Team, User
from audit.record import Actor
from executions.ledger import launch
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def told(user: User, path: str) -> str:
    return str(browser(user).get(path).content.decode())


def test_a_viewer_reads_whom_to_ask_on_the_page_of_the_job_in_the_list_and_on_its_runs(
    uma: User, vic: User
) -> None:
    job = make_job(uma, team=Team.objects.create(name="Night shift").pk)
    run = launch.launch(job, by=Actor(uma, "page"))
    for path in (f"/jobs/{job.uid}", "/jobs", f"/executions/{run.uid}"):
        assert "Ask uma or team Night shift." in told(vic, path)
        assert "Ask uma" not in told(uma, path)


def test_who_has_left_cannot_be_asked(uma: User, vic: User) -> None:
    job = make_job(uma)
    User.objects.filter(pk=uma.pk).update(is_active=False)
    assert "Ask an administrator." in told(vic, f"/jobs/{job.uid}")
    team = Team.objects.create(name="Night shift")
    Job.objects.filter(pk=job.pk).update(team=team)
    assert "Ask team Night shift." in told(vic, f"/jobs/{job.uid}")
    assert "Ask team Night shift." in told(vic, "/jobs")


def test_a_refusal_says_whom_to_ask(uma: User, vic: User) -> None:
    job = make_job(uma)
    answer = browser(vic).post(f"/jobs/{job.uid}/run")
    assert answer.status_code == 403
    assert "Ask uma." in answer.content.decode()


def test_who_can_do_nothing_to_jobs_is_offered_no_marks(uma: User, vic: User) -> None:
    make_job(uma, name="nightly")
    assert 'name="job"' in browser(uma).get("/jobs").content.decode()
    page = browser(vic).get("/jobs").content.decode()
    assert 'name="job"' not in page
    assert "Ask uma." in page
