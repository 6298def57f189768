"""One row that cannot be dealt with hurts only itself, whichever loop meets it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.record import Actor
from conftest import Api
from executions.alerting import pending
from executions.ledger import claims, error_isolation, publish
from executions.ledger.due import tick
from executions.models import Execution
from executions.tests.conftest import WORKER, Ledger
from executions.tests.test_page_list import make_run
from executions.upkeep import conditions, end_dates, reconcile, self_monitoring
from jobs import verbs
from jobs.models import Job, Pause
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser
from scheduler_site.lib import clock


def paused(*names: str) -> dt.datetime:
    """Jobs that are paused until the moment that is returned."""
    until = clock.now() + dt.timedelta(minutes=5)
    for name in names:
        verbs.pause(make_job(name=name), by=Actor.system(), until=until)
    return until


def spoil_zone(name: str) -> None:
    own = CrontabSchedule.objects.create(hour="10", minute="0")
    PeriodicTask.objects.filter(job__name=name).update(crontab_id=own.pk, interval=None)
    with connection.cursor() as cursor:
        # As one that another system had, and this one has not.
        table = connection.ops.quote_name(CrontabSchedule._meta.db_table)
        cursor.execute(f"UPDATE {table} SET timezone = 'Nowhere/Atlantis' WHERE id = %s", [own.pk])


def test_a_paused_job_with_an_unreadable_zone_keeps_no_other_paused(ledger: Ledger) -> None:
    until = paused("bad", "good")
    spoil_zone("bad")
    expired = make_job(name="expired")
    Job.objects.filter(pk=expired.pk).update(end_date=dt.date(2020, 1, 1))
    reconcile.reconcile(until + dt.timedelta(seconds=1))
    good, bad = Job.objects.get(name="good"), Job.objects.get(name="bad")
    assert (good.is_active, good.quarantine_reason) == (True, "")
    assert bad.quarantine_reason
    assert bad.next_run_at is None
    assert not Pause.objects.filter(job=bad, ended_at=None).exists()
    assert not Job.objects.get(name="expired").is_active
    reconcile.resume_pauses(until + dt.timedelta(seconds=11))
    assert Job.objects.get(name="bad").quarantine_reason


def test_a_person_who_resumes_such_a_job_is_told_what_is_wrong_with_it(db: None, ada: User) -> None:
    paused("bad")
    spoil_zone("bad")
    job = Job.objects.get(name="bad")
    answer = browser(ada).post(f"/jobs/{job.uid}/resume", follow=True)
    assert answer.status_code == 200
    assert "Invalid schedule:" in answer.content.decode()


def fails(name: str) -> Any:
    """A step that fails for one row."""

    def step(row: Any) -> None:
        if str(row) == name:
            raise ValueError("damaged")

    return step


def test_each_row_is_dealt_with_though_one_fails() -> None:
    done: list[str] = []

    def step(row: str) -> None:
        fails("b")(row)
        done.append(row)

    error_isolation.each(["a", "b", "c"], step, "trying")
    assert done == ["a", "c"]


def test_those_that_go_together_go_one_by_one_when_one_of_them_spoils_it() -> None:
    done: list[list[str]] = []

    def step(rows: list[str]) -> None:
        if "b" in rows:
            raise DataError("value too long")
        done.append(rows)

    error_isolation.together(["a", "b", "c"], step, "trying")
    assert done == [["a"], ["c"]]


def test_all_steps_are_taken_and_the_first_error_is_told() -> None:
    done: list[int] = []
    with pytest.raises(ZeroDivisionError):
        error_isolation.steps(lambda: done.append(1), lambda: 1 / 0, lambda: done.append(3), lambda: [][0])
    assert done == [1, 3]


@pytest.mark.parametrize("function", ["each", "together", "steps"])
def test_a_database_that_is_away_is_not_asked_again_for_every_row(function: str) -> None:
    asked: list[int] = []

    def away(*_: Any) -> None:
        asked.append(1)
        raise OperationalError("could not connect to server")

    rows: dict[str, Any] = {
        "each": ([1, 2], away, "x"),
        "together": ([1, 2], away, "x"),
        "steps": (away, away),
    }
    with pytest.raises(OperationalError):
        getattr(error_isolation, function)(*rows[function])
    assert asked == [1]


def test_a_failing_step_of_the_reconciler_keeps_the_others_from_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = paused("good")
    monkeypatch.setattr(reconcile, "end_unstartable", lambda now: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        reconcile.reconcile(until + dt.timedelta(seconds=1))
    assert Job.objects.get(name="good").is_active


def test_a_run_that_cannot_be_given_up_keeps_no_other_running(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad", "good"):
        make_job(name=name, due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    claims.claim([str(run.uid) for run in ledger.announced], WORKER, moment("2026-03-01 10:00:02"))
    real = pending.record_given_up

    def given_up(runs: list[Execution], *args: Any) -> None:
        if any(run.job_name == "bad" for run in runs):
            raise DataError("value too long for type character varying(120)")
        real(runs, *args)

    monkeypatch.setattr(pending, "record_given_up", given_up)
    reconcile.lose_expired(moment("2026-03-01 10:01"))
    states = dict(Execution.objects.values_list("job_name", "state"))
    assert states == {"bad": "running", "good": "lost"}


def test_a_due_time_that_the_database_refuses_keeps_no_other_from_the_ledger(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad", "good"):
        make_job(name=name, due="2026-03-01 10:00")
    real = tick._rows

    def rows(jobs: list[Job], *args: Any) -> list[Execution]:
        if any(job.name == "bad" for job in jobs):
            raise DataError("value too long")
        return real(jobs, *args)

    monkeypatch.setattr(tick, "_rows", rows)
    ledger.tick("2026-03-01 10:00:01")
    assert list(Execution.objects.values_list("job_name", flat=True)) == ["good"]
    assert Job.objects.get(name="bad").quarantine_reason == "value too long"


def test_a_long_queue_does_not_hide_what_another_has_lost(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "AT_ONCE", 3)
    old = moment("2026-03-01 10:00")
    job, now = make_job(), moment("2026-03-01 10:10")
    waiting = {"state": "queued", "created_at": old, "published_at": old}
    for number in range(5):
        make_run(job, kind="webhook", due_at=old + dt.timedelta(seconds=number), **waiting)
    later = {"due_at": moment("2026-03-01 10:01"), "published_at": moment("2026-03-01 10:01")}
    lost = make_run(job, kind="python_class", **waiting | later)
    monkeypatch.setattr(reconcile, "depth", lambda queue: 5 if queue == "io" else 0)
    reconcile.announce(now)
    assert [run.pk for run in ledger.announced] == [lost.pk]


@pytest.mark.parametrize("kind", ["webhook", "python_class", "script", "github_actions", "unknown"])
def test_every_kind_is_looked_for_in_the_queue_into_which_it_is_put(ledger: Ledger, kind: str) -> None:
    run = make_run(make_job(), kind=kind)
    found = [
        queue
        for queue in publish.QUEUES
        if Execution.objects.filter(publish.of_queue(queue), pk=run.pk).exists()
    ]
    assert found == [publish.queue_of(kind)]


# Secrets whose key is missing ----------------------------------------------------------------------------------------


@pytest.fixture
def lost_key(db: None, settings: Settings, ada: User) -> Job:
    """A job with a secret that was encrypted with a key which is not there any more."""
    settings.ENCRYPTION_KEYS = ["the key that was lost" * 3]
    job = make_job(ada, due="2026-03-01 10:00")
    job.secrets = {"signing_key": "hidden"}
    job.save()
    settings.ENCRYPTION_KEYS = ["another key that is used now" * 3]
    return Job.objects.get(pk=job.pk)


def readable(job: Job, settings: Settings) -> dict[str, str]:
    settings.ENCRYPTION_KEYS = ["the key that was lost" * 3]
    return dict(Job.objects.get(pk=job.pk).secrets)


def test_an_edit_leaves_secrets_alone_that_cannot_be_read(
    lost_key: Job, ada: User, api: Api, settings: Settings
) -> None:
    bodies: list[dict[str, Any]] = [{"name": "renamed"}, {"secrets": {}}, {"secrets": {"signing_key": ""}}]
    for body in bodies:
        assert api(ada).put(f"/api/v2/jobs/{lost_key.uid}", body, format="json").status_code == 200
    assert Job.objects.get().name == "renamed"
    assert readable(lost_key, settings) == {"signing_key": "hidden"}


def test_all_secrets_may_be_entered_again(lost_key: Job, ada: User, api: Api) -> None:
    body = {"secrets": {"signing_key": "new"}}
    assert api(ada).put(f"/api/v2/jobs/{lost_key.uid}", body, format="json").status_code == 200
    assert Job.objects.get().secrets == {"signing_key": "new"}


def test_a_run_without_its_secrets_does_not_start_and_says_why(lost_key: Job, ledger: Ledger) -> None:
    ledger.tick("2026-03-01 10:00:01")
    assert ledger.claim(ledger.announced[0], "2026-03-01 10:00:02") == []
    row = Execution.objects.get()
    assert (row.state, row.reason, row.error) == ("error", "unstartable", claims.NO_SECRETS)


def test_the_page_of_the_job_says_so(lost_key: Job, ada: User) -> None:
    assert "secrets cannot be decrypted" in browser(ada).get(f"/jobs/{lost_key.uid}").content.decode()


def test_reminders_and_judgements_are_each_by_themselves(
    ledger: Ledger, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monday = moment("2026-03-02 12:00")
    for name in ("bad", "good"):
        Job.objects.filter(pk=make_job(name=name).pk).update(end_date=monday.date())
    real, told = end_dates._tell_people, list[str]()

    def tell(job: Job, *args: Any) -> None:
        if job.name == "bad":
            raise ValueError("damaged")
        told.append(job.name)
        real(job, *args)

    monkeypatch.setattr(end_dates, "_tell_people", tell)
    end_dates.remind(monday)
    assert told == ["good"]
    monkeypatch.setattr(self_monitoring, "judge", lambda now: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        conditions.look(monday)
