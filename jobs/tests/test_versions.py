"""Every change of a job is a version: compared with others, restored, and named by the runs that used it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import Category, Team, User
from audit.models import Entry
from audit.record import Actor
from executions.ledger.due.tick import tick
from executions.ledger.launch import launch
from executions.models import Execution
from jobs import verbs
from jobs.changes.dependencies import Edge
from jobs.changes.snapshots import snapshot
from jobs.forms.job import JobForm
from jobs.models import Job
from jobs.tests.factories import form_values, make_job
from jobs.tests.pages import browser
from jobs.verbs import JobChanges

FIRST: dict[str, Any] = {
    "name": "nightly",
    "options": {"target_url": "https://1.1.1.1/hook", "method": "POST", "body": "{}"},
    "metadata": {"a": [1, 2.5, None], "ä": "日本"},
    "expression": "30 2 * * *",
    "timezone": "Europe/Berlin",
    "day_rule": "both",
    "catch_up": "all",
    "overlap": "queue",
    "start_deadline": 60,
    "timeout": 30,
    "stop_grace": 5,
    "max_attempts": 3,
    "retry_delay": 7,
    "retry_cap": 70,
    "start_by": 90,
    "finish_by": 900,
    "enable_email_notifications": True,
    "notification_emails": ["ops@example.com"],
    "notify_on_success": True,
}
SECOND: dict[str, Any] = {"name": "renamed", "schedule_kind": "interval", "every": 5, "period": "minutes"}


def kept(entry: Entry) -> dict[str, Any]:
    """The definition that an entry has."""
    assert entry.snapshot is not None
    definition: dict[str, Any] = entry.snapshot
    return definition


def made(user: User, **values: Any) -> Job:
    """As `make_job`, but with the end date that it was made with."""
    job = make_job(user, **values)
    Job.objects.filter(pk=job.pk).update(end_date=kept(Entry.objects.versions(job.uid).get())["end_date"])
    return job


def change(job: Job, user: User, **values: Any) -> Job:
    form = JobForm(form_values(**values), user=user, instance=Job.objects.get(pk=job.pk))
    assert form.is_valid(), form.errors
    return verbs.update(job, form.changes(), by=Actor(user, "page"))


def restore(user: User, job: Job, number: int) -> Any:
    return browser(user).post(f"/jobs/{job.uid}/versions/{number}/restore")


def stored(job: Job) -> dict[str, Any]:
    return snapshot(Job.objects.get(pk=job.pk))


def versions(job: Job) -> list[int | None]:
    return list(Entry.objects.versions(job.uid).order_by("id").values_list("version", flat=True))


def test_each_change_is_the_next_version_with_the_whole_definition(uma: User) -> None:
    job = make_job(uma, **FIRST, secrets={"signing_key": "canary"})
    change(job, uma, **SECOND)
    first, second = Entry.objects.versions(job.uid).order_by("id")
    assert (first.version, second.version) == (1, 2)
    assert kept(first)["metadata"] == FIRST["metadata"]
    assert kept(first)["schedule"]["expression"] == "30 2 * * *"
    assert kept(second)["schedule"]["every"] == 5
    assert kept(first)["secrets"] == ["signing_key"]
    assert "canary" not in str(first.snapshot)


def test_every_field_of_a_job_is_part_of_its_versions_or_left_out_on_purpose(uma: User) -> None:
    left_out = {
        "id",
        "uid",
        "owner",
        "periodic_task",
        "next_run_at",
        "pending_segments",
        "code_suspended",
        "secrets_by",
        "by_installation",
        "quarantine_reason",
        "client_form",
    }
    left_out |= {"created_at", "updated_at", "created_by", "updated_by", "zone_rules", "deleted_at"}
    named_otherwise = {"day_rule": "schedule", "at_zone": "schedule"}
    fields = {named_otherwise.get(field.name, field.name) for field in Job._meta.concrete_fields}
    assert fields - left_out == set(stored(make_job(uma))) - {"depends_on"}


def test_what_changes_no_definition_is_no_version(uma: User) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/pause", {})
    browser(uma).post(f"/jobs/{job.uid}/resume")
    assert versions(job) == [1]


def test_a_restored_job_is_as_it_was_and_the_way_back_is_on_record(uma: User) -> None:
    job = made(uma, **FIRST, team=Team.objects.create(name="Ops").pk)
    before = stored(job)
    change(job, uma, **SECOND)
    assert stored(job) != before
    assert restore(uma, job, 1)["Location"] == f"/jobs/{job.uid}"
    assert stored(job) == before
    entry = Entry.objects.latest("id")
    assert (entry.event, entry.version, entry.description) == ("modified", 3, "restored version 1")
    assert entry.changes["name"] == {"old": "renamed", "new": "nightly"}
    assert (entry.actor, entry.surface) == (uma, "page")


def test_an_interval_comes_back_with_its_grid(uma: User) -> None:
    job = made(uma, **SECOND)
    before = stored(job)
    change(job, uma, name="renamed", expression="0 1 * * *")
    restore(uma, job, 1)
    assert stored(job) == before
    assert before["schedule"]["start"]


def test_restoring_the_present_version_changes_nothing(uma: User) -> None:
    job = made(uma, **FIRST)
    count = Entry.objects.count()
    answer = browser(uma).post(f"/jobs/{job.uid}/versions/1/restore", follow=True)
    assert "The job is as in version 1." in answer.content.decode()
    assert Entry.objects.count() == count


def test_secrets_the_owner_and_a_pause_stay_as_they_are(uma: User, ada: User) -> None:
    job = make_job(uma, secrets={"signing_key": "old"})
    change(job, uma, name="renamed", secrets={"signing_key": "new"})
    browser(uma).post(f"/jobs/{job.uid}/pause", {})
    restore(ada, job, 1)
    job = Job.objects.get(pk=job.pk)
    assert (job.name, job.secrets, job.owner, job.is_active) == ("hourly", {"signing_key": "new"}, uma, False)
    text = browser(uma).get(f"/jobs/{job.uid}/versions").content.decode()
    assert "Secrets, the owner and the paused state are not part of a version" in text


def test_restoring_starts_nothing(uma: User) -> None:
    job = make_job(uma, expression="* * * * *")
    change(job, uma, expression="0 0 1 1 *")
    restore(uma, job, 1)
    tick(timezone.now(), lambda _runs: None)
    job = Job.objects.get(pk=job.pk)
    assert job.next_run_at is not None
    assert job.next_run_at > timezone.now()
    assert not Execution.objects.exists()


def test_jobs_that_it_ran_after_are_restored(uma: User) -> None:
    first, job = make_job(uma, name="first"), make_job(uma, name="second")
    change(job, uma, name="second", depends_on=[{"job": str(first.uid), "on": "failure"}])
    change(job, uma, name="second", depends_on=[])
    restore(uma, job, 2)
    assert [(edge.after, edge.on) for edge in job.dependencies.all()] == [(first, "failure")]


def refusal(user: User, job: Job, number: int = 1) -> str:
    before, count = stored(job), Entry.objects.count()
    answer = restore(user, job, number)
    assert answer.status_code == 409
    assert (stored(job), Entry.objects.count()) == (before, count)
    text: str = answer.content.decode()
    assert f"Version {number} cannot be restored" in text
    return text


def test_a_category_that_is_gone_is_named(uma: User) -> None:
    batch = Category.objects.create(name="Batch")
    job = make_job(uma, category=batch.pk)
    change(job, uma)
    batch.delete()
    assert "category “Batch”, which does not exist any more" in refusal(uma, job)


def test_a_team_that_was_disabled_is_named(uma: User) -> None:
    team = Team.objects.create(name="Ops")
    job = make_job(uma, team=team.pk)
    change(job, uma)
    Team.objects.update(is_active=False)
    assert "team: “Ops” cannot be chosen any more" in refusal(uma, job)


def test_a_job_to_run_after_that_is_gone_is_told(uma: User) -> None:
    first = make_job(uma, name="first")
    job = make_job(uma, name="second", depends_on=[{"job": str(first.uid), "on": "success"}])
    verbs.delete(first, by=Actor(uma))
    assert versions(job) == [1, 2]
    assert f"There is no job {first.uid}" in refusal(uma, job)


def test_a_name_that_another_job_has_now_is_told(uma: User) -> None:
    job = make_job(uma)
    change(job, uma, name="renamed")
    make_job(uma, name="hourly")
    assert "name: " in refusal(uma, job)


def test_a_moment_that_has_passed_is_not_restored(uma: User) -> None:
    later = timezone.now() + dt.timedelta(hours=1)
    job = make_job(uma, schedule_kind="once", at=later.strftime("%Y-%m-%dT%H:%M:%S"), end_date=None)
    change(job, uma)
    entry = Entry.objects.versions(job.uid).order_by("id").first()
    assert entry is not None
    past = kept(entry) | {"schedule": kept(entry)["schedule"] | {"at": "2020-01-01T00:00:00+00:00"}}
    values = {field.attname: getattr(entry, field.attname) for field in Entry._meta.concrete_fields}
    Entry.objects.bulk_create([Entry(**values | {"id": None, "version": 77, "snapshot": past})])
    assert "This time has passed already." in refusal(uma, job, 77)


def test_code_needs_its_right_to_be_restored(uma: User, ada: User) -> None:
    job = make_job(uma)
    entry = Entry.objects.versions(job.uid).get()
    code = kept(entry) | {"kind": "python_class", "options": {"path": "jobs.classes.sample.Sample"}}
    values = {field.attname: getattr(entry, field.attname) for field in Entry._meta.concrete_fields}
    Entry.objects.bulk_create([Entry(**values | {"id": None, "version": 2, "snapshot": code})])
    assert restore(uma, job, 2).status_code == 403
    assert Job.objects.get(pk=job.pk).kind == "webhook"


@pytest.mark.parametrize("number", [0, 9, 2**31, 2**70])
def test_a_version_that_there_is_not_is_404(uma: User, number: int) -> None:
    job = make_job(uma)
    assert restore(uma, job, number).status_code == 404
    assert browser(uma).get(f"/jobs/{job.uid}/versions?old={number}").status_code == 404


def test_who_may_not_change_a_job_may_compare_and_not_restore(uma: User, vic: User) -> None:
    job = make_job(uma)
    change(job, uma, name="renamed")
    answer = browser(vic).get(f"/jobs/{job.uid}/versions?old=1&new=2")
    assert (answer.status_code, "Restore" in answer.content.decode()) == (200, False)
    assert restore(vic, job, 1).status_code == 403
    assert browser(uma).get(f"/jobs/{job.uid}/versions/1/restore").status_code == 405


def test_any_two_versions_are_compared(uma: User) -> None:
    job = make_job(uma, timeout=10)
    change(job, uma, timeout=20)
    change(job, uma, timeout=30)

    def compared(query: str) -> list[tuple[str, str, str]]:
        rows = browser(uma).get(f"/jobs/{job.uid}/versions{query}").context["rows"]
        return [(row.field, row.old.text, row.new.text) for row in rows if row.field == "timeout"]

    assert compared("?old=1&new=3") == [("timeout", "10", "30")]
    assert compared("?old=3&new=1") == [("timeout", "30", "10")]
    assert compared("") == [("timeout", "20", "30")]
    assert compared("?old=2&new=2") == []


def test_versions_are_offered_by_the_time_in_the_zone_of_their_job(uma: User) -> None:
    with time_machine.travel("2026-11-21 20:41:00+00:00", tick=False):
        job = make_job(uma, timezone="Asia/Tokyo")
        page = browser(uma).get(f"/jobs/{job.uid}/versions").content.decode()
    assert "1 · uma · 2026-11-22 05:41" in page


def test_a_job_of_before_there_were_versions_says_so(uma: User) -> None:
    job = make_job(uma)
    Job.objects.filter(pk=job.pk).update(uid="00000000-0000-0000-0000-000000000001")
    text = browser(uma).get("/jobs/00000000-0000-0000-0000-000000000001/versions").content.decode()
    assert "This job has no versions yet" in text


def test_a_run_names_the_version_that_it_used(uma: User) -> None:
    job = make_job(uma, overlap="allow")
    early = launch(job, by=Actor(uma))
    change(job, uma, timeout=30, overlap="allow")
    late = launch(Job.objects.get(pk=job.pk), by=Actor(uma))
    other = launch(Job.objects.get(pk=job.pk), by=Actor(uma), overrides={"metadata": {"a": 1}})
    texts = [browser(uma).get(f"/executions/{run.uid}").content.decode() for run in (early, late, other)]
    for number, text in zip((1, 2, 2), texts, strict=True):
        assert f'<a href="/jobs/{job.uid}/versions?old={number}">{number}</a>' in text
    assert ["changed for this run: metadata" in text for text in texts] == [False, False, True]


@pytest.mark.django_db(transaction=True)
def test_changes_at_the_same_time_are_versions_one_after_the_other() -> None:
    job = make_job()
    by = Actor(job.owner, "api")
    faults: list[Exception] = []

    def work(field: str) -> None:
        try:
            for number in range(5):
                verbs.update(job, JobChanges({field: 10 + number}), by=by)
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=work, args=(field,)) for field in ("timeout", "retry_delay", "stop_grace")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert versions(job) == list(range(1, 17))


@pytest.mark.django_db(transaction=True)
def test_a_job_may_be_deleted_while_the_one_that_follows_it_is_changed() -> None:
    """Both lock both jobs, and neither waits for the other in vain."""
    for number in range(5):
        first = make_job(name=f"first {number}")
        edge = [{"job": str(first.uid), "on": "success"}]
        job = make_job(name=f"second {number}", depends_on=edge)
        by = Actor(first.owner, "api")
        faults: list[Exception] = []

        def attempt(verb: Callable[[], Any], faults: list[Exception] = faults) -> None:
            try:
                verb()
            except verbs.Refused:
                pass  # the other one was there first
            except Exception as fault:
                faults.append(fault)
            finally:
                connection.close()

        other = JobChanges(depends_on=[Edge(first.pk, "failure")])
        verbs_at_once = [partial(verbs.delete, first, by=by), partial(verbs.update, job, other, by=by)]
        threads = [threading.Thread(target=attempt, args=(verb,)) for verb in verbs_at_once]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert not Job.objects.filter(pk=first.pk).exists()
        assert stored(job)["depends_on"] == []
