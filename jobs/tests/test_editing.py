"""Making and changing jobs: what moves the next run, what is on record, what survives."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django_celery_beat.models import PeriodicTask

from audit.models import Entry
from audit.record import Actor
from jobs import verbs
from jobs.forms.job import JobForm, form_data
from jobs.models import Job
from jobs.tests.factories import form_values, make_job, moment, somebody

pytestmark = pytest.mark.django_db


def by() -> Actor:
    return Actor(somebody(), "page", "127.0.0.1")


def change(job: Job, **changes: Any) -> Job:
    form = JobForm(form_data(job) | changes, user=somebody(), instance=Job.objects.get(pk=job.pk))
    assert form.is_valid(), form.errors.as_json()
    return verbs.update(job, form.changes(), by=by())


def test_the_schedule_is_stored_once_in_the_tables_of_the_beat() -> None:
    job = make_job(expression="30 2 * * mon-fri", timezone="Europe/Berlin")
    task = PeriodicTask.objects.get(job=job)
    assert task.crontab is not None
    assert (task.crontab.minute, task.crontab.day_of_week) == ("30", "mon-fri")
    assert str(task.crontab.timezone) == "Europe/Berlin"
    assert Job.objects.get(pk=job.pk).timing.expression == "30 2 * * mon-fri"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"schedule_kind": "interval", "every": 15, "period": "minutes"}, "interval"),
        ({"schedule_kind": "once", "at": "2099-05-01T10:00:00", "timezone": "Asia/Tokyo"}, "once"),
        ({"schedule_kind": "none"}, "none"),
    ],
)
def test_every_kind_of_schedule_reads_back_as_it_was_written(values: dict[str, Any], kind: str) -> None:
    job = make_job(**values)
    assert job.timing.kind == kind
    assert JobForm(form_data(job), user=somebody(), instance=job).is_valid()


def test_a_moment_is_meant_in_the_time_zone_of_the_job() -> None:
    job = make_job(schedule_kind="once", at="2099-05-01T10:00:00", timezone="Asia/Tokyo")
    assert job.next_run_at == moment("2099-05-01 01:00")


def test_changing_anything_but_the_schedule_leaves_the_next_run_where_it_is() -> None:
    job = make_job(due="2099-03-01 10:00")
    job = change(job, name="renamed", metadata={"a": 1}, timeout=5, overlap="queue")
    assert (job.name, job.next_run_at) == ("renamed", moment("2099-03-01 10:00"))


def test_saving_an_interval_unchanged_keeps_its_grid() -> None:
    job = make_job(schedule_kind="interval", every=7, period="hours")
    anchor = job.timing.start
    assert change(job, name="renamed").timing.start == anchor


def test_a_new_schedule_counts_from_now() -> None:
    job = change(make_job(), expression="30 4 * * *")
    assert job.next_run_at is not None
    assert job.next_run_at > dt.datetime.now(dt.UTC)
    assert (job.next_run_at.hour, job.next_run_at.minute) == (4, 30)


def test_a_job_may_lose_its_schedule_and_the_rows_of_it_go() -> None:
    job = change(make_job(), schedule_kind="none")
    assert (job.next_run_at, job.timing.kind) == (None, "none")
    assert not PeriodicTask.objects.filter(name__startswith="job ").exists()


def test_a_change_is_on_record_field_by_field_with_who_and_from_where() -> None:
    job = make_job()
    change(job, name="renamed")
    entry = Entry.objects.get(event="modified")
    assert entry.changes == {"name": {"old": "hourly", "new": "renamed"}}
    assert (entry.actor_name, entry.surface, entry.address) == ("olga", "page", "127.0.0.1")


def test_saving_without_a_change_leaves_no_entry() -> None:
    change(make_job())
    assert not Entry.objects.filter(event="modified").exists()


def test_secrets_are_encrypted_write_only_and_never_on_record() -> None:
    job = make_job(secrets={"signing_key": "canary-4711"})
    job = change(job, secrets={"headers": '{"X-Key": "canary-0815"}'})
    assert job.secrets == {"signing_key": "canary-4711", "headers": '{"X-Key": "canary-0815"}'}
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM jobs_job")
        (stored,) = cursor.fetchone()
    assert "canary" not in stored
    assert "canary" not in repr(list(Entry.objects.values()))
    assert Entry.objects.get(event="modified").changes == {
        "secrets.headers": {"old": None, "new": "********"}
    }
    assert "secrets" not in job.definition()


def test_an_empty_text_removes_a_secret() -> None:
    job = change(make_job(secrets={"signing_key": "canary-4711"}), secrets={"signing_key": ""})
    assert job.secrets == {}


def test_deleting_a_job_removes_its_schedule_and_is_on_record_with_its_last_definition() -> None:
    job = make_job()
    verbs.delete(job, by=by())
    assert not Job.objects.exists()
    assert not PeriodicTask.objects.filter(name__startswith="job ").exists()
    assert Entry.objects.get(event="deleted").changes["name"] == {"old": "hourly", "new": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("expression", "61 * * * *"),
        ("expression", "0 0 31 2 *"),
        ("expression", "* * * * * *"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("kind", "nonsense"),
        ("catch_up", "nonsense"),
        ("timeout", -1),
        ("max_attempts", 10**9),
        ("metadata", "[1, 2]"),
        ("metadata", "{"),
        ("end_date", "2001-01-01"),
        ("category", 10**12),
        ("options", {}),
        ("options", {"target_url": "http://127.0.0.1/"}),
        ("options", {"target_url": "https://1.1.1.1/", "colour": "red"}),
        ("secrets", ["a"]),
        ("name", "nul\0"),
    ],
)
def test_bad_values_are_refused_beside_their_field(field: str, value: object) -> None:
    form = JobForm(form_values(**{field: value}), user=somebody())
    assert not form.is_valid()
    assert field in form.errors


def test_two_jobs_cannot_have_one_name() -> None:
    make_job()
    assert "name" in JobForm(form_values(), user=somebody()).errors


def test_an_end_date_before_the_next_due_time_is_accepted_for_so_people_retire_a_job() -> None:
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    values = form_values(schedule_kind="once", at="2099-05-01T10:00:00", end_date=tomorrow.isoformat())
    assert not JobForm(values, user=somebody()).errors
