"""Running a job by hand, and what the job's page shows of its runs."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import User
from executions.models import Execution, State, Trigger
from executions.monitoring import recent_runs
from executions.tests.conftest import Ledger
from executions.tests.test_page_list import make_run
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def test_running_leads_to_the_page_of_the_run(uma: User, ledger: Ledger) -> None:
    job = make_job(uma)
    response = browser(uma).post(f"/jobs/{job.uid}/run")
    run = Execution.objects.get()
    assert response.headers["Location"] == f"/executions/{run.uid}"
    assert (run.trigger, run.requested_by) == (Trigger.MANUAL, uma)


def test_the_metadata_of_one_run_may_be_different(uma: User, ledger: Ledger) -> None:
    job = make_job(uma, metadata={"a": 1})
    assert "&quot;a&quot;: 1" in browser(uma).get(f"/jobs/{job.uid}/run").content.decode()
    browser(uma).post(f"/jobs/{job.uid}/run", {"metadata": '{"a": 2}'})
    assert Execution.objects.get().full_definition["metadata"] == {"a": 2}
    assert Job.objects.get().metadata == {"a": 1}


@pytest.mark.parametrize("text", ["[1]", "{", "\0", "[" * 3000, '{"a": NaN}', "9" * 5000])
def test_metadata_that_is_no_object_is_refused(uma: User, text: str) -> None:
    job = make_job(uma)
    response = browser(uma).post(f"/jobs/{job.uid}/run", {"metadata": text})
    assert response.context["form"].errors["metadata"]
    assert not Execution.objects.exists()


def test_a_second_run_beside_the_first_is_refused_with_its_reason(uma: User, ledger: Ledger) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/run")
    for data in ({}, {"metadata": '{"kept": 1}'}):
        response = browser(uma).post(f"/jobs/{job.uid}/run", data)
        assert response.status_code == 409
        assert "has not ended yet" in response.content.decode()
    assert "kept" in response.content.decode()
    assert Execution.objects.count() == 1


def test_the_page_of_a_job_shows_its_runs(uma: User) -> None:
    job = make_job(uma)
    run = make_run(job, state=State.FAILED, error="it rained")
    page = browser(uma).get(f"/jobs/{job.uid}").content.decode()
    assert f"/executions/{run.uid}" in page
    assert "it rained" in page


def test_deleting_warns_of_runs_that_go_on(uma: User) -> None:
    job = make_job(uma)
    assert "not ended yet" not in browser(uma).get(f"/jobs/{job.uid}/delete").content.decode()
    make_run(job, state=State.RUNNING)
    assert "One run of it has not ended yet" in browser(uma).get(f"/jobs/{job.uid}/delete").content.decode()


def test_a_success_with_another_exit_code_than_0_is_marked_in_the_drawing_too(uma: User) -> None:
    job = make_job(uma)
    for code in (None, 0, 3):
        make_run(job, state=State.SUCCESS, exit_code=code)
    make_run(job, state=State.FAILED, exit_code=3)
    page = browser(uma).get("/jobs").content.decode()
    assert page.count('class="dot-warned"') == 1
    assert "2 succeeded, 1 failed, 1 succeeded with a warning" in page


def test_of_each_job_the_last_twenty_runs_are_drawn(ada: User) -> None:
    busy, idle = make_job(name="busy"), make_job(name="idle")
    start = moment("2026-05-01 10:00")
    for number in range(25):
        make_run(busy, due_at=start + dt.timedelta(minutes=number // 2))
    Execution.objects.filter(pk__lt=Execution.objects.order_by("id")[15].pk).update(state=State.FAILED)
    newest = list(Execution.objects.filter(job=busy).order_by("-due_at", "-id")[:20])
    found = recent_runs.of_jobs([busy.pk, idle.pk], ada, 20)
    assert found[busy.pk] == ([run.state for run in newest], newest[0].uid, newest[0].due_at)
    assert idle.pk not in found
    assert recent_runs.of_jobs([], ada, 20) == {}
