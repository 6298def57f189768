"""The page of a job begins with how it is doing: rate, durations, last success, since when it fails, and its last runs."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from executions.models import Execution, State
from executions.monitoring import job_health
from executions.tests.test_page_list import make_run
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db
START = moment("2026-03-01 00:00")


def history(job: Job, *states: str, **values: Any) -> list[Execution]:
    """A run for each state, an hour apart, the last one newest; the durations are 1, 2, 3 ... seconds."""
    runs = []
    for number, state in enumerate(states, 1):
        due = START + dt.timedelta(hours=number)
        runs.append(make_run(job, state=state, due_at=due, finished_at=due, duration=float(number), **values))
    return runs


def words(user: User, job: Job) -> str:
    page = browser(user).get(f"/jobs/{job.uid}").content.decode()
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def test_a_job_that_does_well(vic: User) -> None:
    job = make_job()
    history(job, *[State.FAILED, *[State.SUCCESS] * 19, State.SKIPPED, State.STOPPED])
    shown = words(vic, job)
    assert "Success rate 95 % of the last 20 runs" in shown
    assert "Duration median 11 s 95 % within 20 s" in shown
    assert "2026-03-01 20:00:00 UTC Next run" in shown
    assert "Failing since" not in shown


def test_a_job_that_fails_says_since_when(vic: User) -> None:
    job = make_job()
    history(job, State.SUCCESS, State.FAILED, State.SKIPPED, State.LOST, State.STOPPED)
    assert "2026-03-01 02:00:00 UTC · 2 failures in a row Success rate 33.3 % of the last 3 runs" in words(
        vic, job
    )


def test_one_that_never_succeeded(vic: User) -> None:
    job = make_job()
    history(job, State.FAILED)
    shown = words(vic, job)
    assert "1 failure so far Success rate 0 % of the last run Duration – Last success never" in shown


def test_failures_without_an_end_are_counted_as_far_as_it_looks(
    vic: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_health, "LOOKED_AT", 3)
    job = make_job()
    history(job, State.SUCCESS, *[State.FAILED] * 4)
    health = job_health.of(job, vic)
    assert (health.failures, health.many) == (3, True)
    assert health.last_success == START + dt.timedelta(hours=1)
    assert "at least 3 failures in a row" in words(vic, job)


def test_of_a_long_history_the_rate_of_all_runs_is_told_too(
    vic: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_health, "LOOKED_AT", 4)
    job = make_job()
    history(job, State.FAILED, State.STOPPED, *[State.SUCCESS] * 4)
    history(make_job(name="other"), State.FAILED)
    assert "Success rate 100 % of the last 4 runs 80 % of all 5" in words(vic, job)


def test_each_of_the_last_runs_is_a_cell_that_leads_to_it(vic: User) -> None:
    job = make_job()
    runs = history(job, *[State.SUCCESS] * 51, State.TIMEOUT)
    page = browser(vic).get(f"/jobs/{job.uid}").content.decode()
    cells = re.findall(r'<a class="cell (\w+) \w+" href="([^"]+)" title="([^"]+)"', page)
    assert len(cells) == 50
    assert cells[-1] == ("bad", f"/executions/{runs[-1].uid}", "timed out · 2026-03-03 04:00 · 52 s")
    assert cells[0][1] == f"/executions/{runs[2].uid}"


def test_a_job_without_runs_says_when_the_first_one_is(vic: User) -> None:
    job = make_job(due="2099-01-01 06:00")
    assert re.search("No runs yet. The first one is in .*: 2099-01-01 06:00:00 UTC", words(vic, job))


def test_related_jobs_are_told_in_sentences(vic: User) -> None:
    first = make_job(name="first")
    job = make_job(name="second", depends_on=[{"job": str(first.uid), "on": "success"}])
    make_job(name="third", depends_on=[{"job": str(job.uid), "on": "failure"}])
    shown = words(vic, job)
    assert "Runs when first succeeds." in shown
    assert "When this job fails, third runs." in shown


def test_a_longer_history_takes_no_more_queries(vic: User) -> None:
    few, many = make_job(name="few"), make_job(name="many")
    history(few, State.SUCCESS, State.FAILED)
    history(many, *[State.SUCCESS, State.FAILED] * 30)
    client = browser(vic)
    counts = []
    for job in (few, few, many):
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/jobs/{job.uid}")
        counts.append(len(queries))
    assert counts[1] == counts[2] <= 24


def test_its_times_are_in_the_zone_of_the_reader_where_that_is_known(vic: User) -> None:
    job = make_job(due="2099-01-01 06:00")
    (run,) = history(job, State.SUCCESS)
    client = browser(vic)
    client.cookies["zone"] = "Asia/Tokyo"
    for path in (f"/jobs/{job.uid}", f"/executions/{run.uid}"):
        assert "2026-03-01 10:00:00 JST" in client.get(path).content.decode()
    assert "2099-01-01 06:00:00 UTC" in client.get(f"/jobs/{job.uid}").content.decode()
