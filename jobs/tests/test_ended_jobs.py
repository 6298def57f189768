"""A job past its last day cannot go on being active: whoever changes it gives it a new day, or pauses it."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from jobs import verbs
from jobs.models import Job, today
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, edits
from jobs.verbs import JobChanges


def ended(user: User) -> Job:
    job = make_job(user)
    Job.objects.update(end_date=today() - dt.timedelta(days=1))
    return Job.objects.get(pk=job.pk)


def test_a_change_that_leaves_it_active_is_refused_and_leaves_no_trace(uma: User) -> None:
    job, entries = ended(uma), Entry.objects.count()
    with pytest.raises(verbs.Ended):
        verbs.update(job, JobChanges({"name": "renamed"}), by=Actor(uma, "page"))
    assert Job.objects.get().name == "hourly"
    assert Entry.objects.count() == entries


def test_the_page_says_so_and_keeps_what_was_entered(uma: User) -> None:
    job = ended(uma)
    answer = browser(uma).post(
        f"/jobs/{job.uid}/edit", edits(job, name="renamed", end_date=str(job.end_date))
    )
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "end date has passed" in shown
    assert 'value="renamed"' in shown


def test_with_a_new_last_day_or_a_pause_it_is_changed(uma: User) -> None:
    job = ended(uma)
    verbs.update(job, JobChanges({"name": "retired"}), by=Actor(uma, "api"), active=False)
    assert (Job.objects.get().name, Job.objects.get().is_active) == ("retired", False)
    verbs.update(job, JobChanges({"end_date": today()}), by=Actor(uma, "api"), active=True)
    assert Job.objects.get().is_active


def test_a_refused_resumption_undoes_the_change_before_it(uma: User) -> None:
    job = ended(uma)
    verbs.pause(job, by=Actor(uma, "api"))
    with pytest.raises(verbs.Ended):
        verbs.update(job, JobChanges({"name": "renamed"}), by=Actor(uma, "api"), active=True)
    assert Job.objects.get().name == "hourly"
