"""Due jobs become ledger rows, once."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.record import Actor
from executions.ledger.due.tick import next_due
from executions.models import Execution
from executions.tests.conftest import Ledger
from jobs import verbs
from jobs.forms.job import JobForm
from jobs.models import Job
from jobs.tests.factories import form_values, make_job, moment, somebody


def test_a_due_job_is_queued_and_announced_with_its_due_time(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00")
    assert ledger.tick("2026-03-01 10:00:00.2") == 1
    (row,) = ledger.rows(job)
    assert (row.state, row.scheduled_for, row.trigger) == ("queued", moment("2026-03-01 10:00"), "scheduled")
    assert [run.uid for run in ledger.announced] == [row.uid]


def test_the_next_run_is_the_first_due_time_after_now(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:05")
    job.refresh_from_db()
    assert job.next_run_at == moment("2026-03-01 11:00")
    assert next_due() == moment("2026-03-01 11:00")


def test_what_is_not_due_is_left_alone(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00")
    assert ledger.tick("2026-03-01 09:59:59.9") == 0
    assert ledger.rows(job) == []


def test_a_second_beat_writes_nothing_more(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    ledger.tick("2026-03-01 10:00:01")
    assert len(ledger.rows(job)) == 1


def test_a_beat_that_starts_over_from_an_old_next_run_doubles_nothing(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", overlap="allow")
    ledger.tick("2026-03-01 10:00:01")
    Job.objects.update(next_run_at=moment("2026-03-01 10:00"))
    ledger.tick("2026-03-01 10:00:02")
    assert ledger.fates(job) == ["10:00 queued"]


def test_a_paused_job_is_not_due(ledger: Ledger) -> None:
    job = make_job(due="2099-03-01 10:00")
    verbs.pause(job, by=Actor.system(), reason="maintenance")
    assert ledger.tick("2099-03-01 10:00:01") == 0


def test_a_job_is_not_due_after_its_end_date(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", expression="0 10 * * *")
    Job.objects.filter(pk=job.pk).update(end_date=dt.date(2026, 3, 1))
    ledger.tick("2026-03-03 10:00:01")
    job.refresh_from_db()
    assert job.next_run_at is None
    # The due times of the days after its last one never existed.
    assert [row.due_at.day for row in ledger.rows(job)] == [1]


def test_a_broken_row_is_quarantined_with_its_reason_and_harms_nobody(ledger: Ledger) -> None:
    bad = make_job(name="bad", due="2026-03-01 10:00", timezone="Europe/Berlin")
    good = make_job(name="good", due="2026-03-01 10:00")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Olympus' WHERE timezone = 'Europe/Berlin'"
        )
    ledger.tick("2026-03-01 10:00:01")
    bad.refresh_from_db()
    assert "Mars/Olympus" in bad.quarantine_reason
    assert bad.next_run_at is None
    assert ledger.fates(good) == ["10:00 queued"]
    assert Entry.objects.filter(event="quarantined", object_id=bad.pk).count() == 1


def test_saving_a_quarantined_job_with_a_good_schedule_mends_it(ledger: Ledger) -> None:
    job = make_job(name="bad", due="2026-03-01 10:00", timezone="Europe/Berlin")
    verbs.quarantine(job, "No such zone.")
    job = Job.objects.get(pk=job.pk)
    form = JobForm(form_values(name="bad", expression="30 * * * *"), user=somebody(), instance=job)
    assert form.is_valid(), form.errors
    job = verbs.update(job, form.changes(), by=Actor.system())
    assert job.quarantine_reason == ""
    assert job.next_run_at is not None


def test_a_due_time_that_no_tick_had_taken_survives_a_change_of_the_schedule(ledger: Ledger) -> None:
    job = make_job(due="2020-03-01 10:00")
    form = JobForm(form_values(expression="30 4 * * *"), user=somebody(), instance=job)
    assert form.is_valid(), form.errors
    job = verbs.update(job, form.changes(), by=Actor.system())
    now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    ledger.tick(now.replace(tzinfo=None).isoformat())
    rows = ledger.rows(job)
    assert rows[0].due_at == moment("2020-03-01 10:00")
    assert rows[0].slots > 1000
    job.refresh_from_db()
    assert job.pending_segments == []
    assert job.next_run_at is not None
    assert (job.next_run_at.hour, job.next_run_at.minute) == (4, 30)


def test_a_due_time_that_no_tick_had_taken_survives_a_pause(ledger: Ledger) -> None:
    job = make_job(expression="0 * * * *", catch_up="all")
    due = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    Job.objects.filter(pk=job.pk).update(next_run_at=due)
    verbs.pause(job, by=Actor.system(), reason="maintenance")
    ledger.tick(dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat())
    assert [row.due_at for row in ledger.rows(job)] == [due]
    job.refresh_from_db()
    assert job.next_run_at is None


@pytest.mark.parametrize("jobs", [3, 30])
def test_a_tick_asks_the_same_number_of_questions_for_three_jobs_and_for_thirty(
    ledger: Ledger, jobs: int
) -> None:
    for number in range(jobs):
        make_job(name=f"job {number}", due="2026-03-01 10:00")
    with CaptureQueriesContext(connection) as queries:
        ledger.tick("2026-03-01 10:00:01")
    asked = [query["sql"] for query in queries if "published_at" not in query["sql"].split("SET")[-1]]
    # Three of them for what nobody was told before; each later tick asks once.
    assert len(asked) <= 11


def test_two_beats_that_crash_and_tick_at_random_leave_one_row_for_every_minute_of_a_day(
    ledger: Ledger,
) -> None:
    job = make_job(
        expression="* * * * *",
        timezone="Europe/Berlin",
        due="2026-03-28 12:00",
        overlap="allow",
        catch_up="all",
    )
    random.seed(7)
    clock, end = moment("2026-03-28 12:00"), moment("2026-03-29 12:00")
    while clock < end:
        clock += dt.timedelta(seconds=random.uniform(0.5, 400))
        if random.random() < 0.1:
            # A beat that wakes up with an old idea of what is due.
            old = clock.replace(second=0, microsecond=0) - dt.timedelta(minutes=20)
            Job.objects.filter(next_run_at__gt=old).update(next_run_at=old)
        ledger.tick(min(clock, end).replace(tzinfo=None).isoformat())
    slots = list(
        Execution.objects.filter(job=job).values_list("scheduled_for", flat=True).order_by("scheduled_for")
    )
    first = moment("2026-03-28 12:00")
    slots = [slot for slot in slots if slot and slot >= first]
    expected = {first + dt.timedelta(minutes=minute) for minute in range(1440 + 1)}
    assert len(slots) == len(set(slots))
    assert set(slots) == expected
