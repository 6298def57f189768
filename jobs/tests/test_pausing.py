"""Pausing and resuming never fires anything by itself."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from audit.models import Entry
from audit.record import Actor
from jobs import verbs
from jobs.models import Job
from jobs.tests.factories import make_job, moment, somebody

pytestmark = pytest.mark.django_db


def by() -> Actor:
    return Actor(somebody(), "page")


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_a_paused_job_has_no_next_run_and_says_who_paused_it_and_why() -> None:
    job = make_job(due="2099-03-01 10:00")
    assert verbs.pause(job, by=by(), reason="maintenance") is True
    job = fresh(job)
    assert (job.is_active, job.next_run_at) == (False, None)
    pause = job.current_pause
    assert pause is not None
    assert (pause.by, pause.reason) == (somebody(), "maintenance")
    assert Entry.objects.get(event="paused").description == "maintenance"


def test_pausing_twice_changes_nothing_and_leaves_one_entry() -> None:
    job = make_job(due="2099-03-01 10:00")
    verbs.pause(job, by=by())
    assert verbs.pause(job, by=by()) is False
    assert Entry.objects.filter(event="paused").count() == 1
    assert job.pauses.count() == 1


def test_a_resumed_job_runs_next_at_its_first_due_time_after_now() -> None:
    job = make_job(due="2099-03-01 10:00")
    verbs.pause(job, by=by())
    assert verbs.resume(fresh(job), by=by()) is True
    job = fresh(job)
    now = dt.datetime.now(dt.UTC)
    assert job.next_run_at is not None
    assert now < job.next_run_at <= now + dt.timedelta(hours=1)
    assert job.current_pause is None


def test_toggling_fifty_times_changes_nothing() -> None:
    job = make_job()
    before = fresh(job).next_run_at
    for _ in range(50):
        verbs.pause(job, by=by())
        verbs.resume(job, by=by())
    assert fresh(job).next_run_at == before
    assert job.executions.count() == 0


def test_a_job_without_a_schedule_cannot_be_paused() -> None:
    with pytest.raises(verbs.Refused, match="no schedule"):
        verbs.pause(make_job(schedule_kind="none"), by=by())


def test_a_pause_cannot_end_in_the_past() -> None:
    job = make_job()
    with pytest.raises(verbs.Refused, match="passed"):
        verbs.pause(job, by=by(), until=moment("2001-01-01 00:00"))
    assert fresh(job).is_active


def test_a_job_past_its_end_date_cannot_be_resumed() -> None:
    job = make_job()
    verbs.pause(job, by=by())
    Job.objects.update(end_date=dt.date(2020, 1, 1))
    with pytest.raises(verbs.Refused, match="end date"):
        verbs.resume(job, by=by())


@pytest.mark.parametrize("paused", [True, False])
def test_resuming_a_job_that_could_not_be_scheduled_tries_it_again(paused: bool) -> None:
    job = make_job()
    if paused:
        verbs.pause(job, by=by())
    verbs.quarantine(fresh(job), "no such zone")
    assert verbs.resume(fresh(job), by=by()) is True
    job = fresh(job)
    assert (job.quarantine_reason, job.is_active) == ("", True)
    assert job.next_run_at is not None
    assert Entry.objects.get(event="resumed").changes == {"broken": {"old": "no such zone", "new": ""}}
    assert not job.inactive_periods.filter(until=None).exists()


def test_a_job_that_still_cannot_be_scheduled_stays_broken() -> None:
    job = make_job()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Olympus'")
    verbs.quarantine(fresh(job), "no such zone")
    entries = Entry.objects.count()
    assert verbs.resume(fresh(job), by=by()) is False
    assert (fresh(job).quarantine_reason, fresh(job).next_run_at) == ("no such zone", None)
    assert Entry.objects.count() == entries
