"""The routes of the scheduler: its state, and the comparison of every job with its stored schedule."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from accounts.models import User
from audit.models import Entry
from conftest import Api
from executions.models import Execution
from executions.monitoring import heartbeat
from executions.tests.conftest import Ledger
from jobs.models import Job, today
from jobs.tests.factories import make_job

STATUS = "/api/v2/scheduler/status"
RESYNC = "/api/v2/scheduler/resync"
NOTHING_DONE = {
    "scheduled_added": 0,
    "scheduled_removed": 0,
    "scheduled_moved": 0,
    "expired_auto_paused": 0,
    "orphaned_removed": 0,
}


def counts(api: Api, ada: User) -> dict[str, int]:
    answer = api(ada).post(RESYNC)
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("message")
    assert dt.datetime.fromisoformat(body.pop("ran_at")) <= timezone.now()
    assert not Execution.objects.exists()
    found: dict[str, int] = body
    return found


def test_status_tells_of_the_beat(api: Api, ada: User) -> None:
    make_job(ada)
    expected: dict[str, object] = {"scheduler_running": False, "scheduler_is_leader": False}
    expected |= {"scheduled_jobs_count": 1, "last_resync_at": None}
    assert api(ada).get(STATUS).json() == expected
    heartbeat.beat("status-test", ["beat"])
    found = api(ada).get(STATUS).json()
    assert (found["scheduler_running"], found["scheduler_is_leader"]) == (True, True)


def test_a_resync_of_jobs_in_order_does_nothing(api: Api, ada: User) -> None:
    job = make_job(ada)
    found = counts(api, ada)
    expected = {"db_jobs_total": 1, "db_jobs_active": 1, "scheduled_now": 1, "invalid_cron": 0}
    assert found == expected | NOTHING_DONE
    assert Job.objects.get().next_run_at == job.next_run_at
    assert api(ada).get(STATUS).json()["last_resync_at"]


def test_rows_that_were_changed_by_sql_are_mended_once(api: Api, ada: User, ledger: Ledger) -> None:
    names = ("moved", "enabled", "disabled", "invalid", "ended", "sound")
    moved, enabled, disabled, invalid, ended, _sound = (make_job(ada, name=name) for name in names)
    every_five = CrontabSchedule.objects.create(minute="*/5", timezone="UTC")
    PeriodicTask.objects.filter(job=moved).update(crontab=every_five)
    Job.objects.filter(pk=enabled.pk).update(next_run_at=None)
    PeriodicTask.objects.filter(job=disabled).update(enabled=False)
    PeriodicTask.objects.filter(job=invalid).update(crontab=CrontabSchedule.objects.create(minute="99"))
    Job.objects.filter(pk=ended.pk).update(end_date=today() - dt.timedelta(days=1))
    PeriodicTask.objects.create(name="lost", task="belfry.job", crontab=every_five)
    # Half an hour away, whatever the clock says: nothing falls due while the test runs.
    Job.objects.filter(pk=moved.pk).update(next_run_at=timezone.now() + dt.timedelta(minutes=30))

    first = counts(api, ada)
    assert first == {
        "db_jobs_total": 6,
        "db_jobs_active": 4,
        "scheduled_now": 3,
        "scheduled_added": 1,
        "scheduled_removed": 2,
        "scheduled_moved": 1,
        "expired_auto_paused": 1,
        "orphaned_removed": 1,
        "invalid_cron": 1,
    }
    now = timezone.now()
    mended = Job.objects.get(pk=moved.pk)
    assert mended.next_run_at is not None
    assert now < mended.next_run_at <= now + dt.timedelta(minutes=5)
    assert Job.objects.get(pk=invalid.pk).quarantine_reason
    assert Entry.objects.filter(event="quarantined", object_id=invalid.pk).count() == 1
    assert Entry.objects.filter(event="paused", object_id=ended.pk).count() == 1

    assert counts(api, ada) == first | NOTHING_DONE
    assert Entry.objects.filter(event__in=("quarantined", "paused")).count() == 2


def test_a_job_whose_row_was_repaired_runs_again(api: Api, ada: User) -> None:
    job = make_job(ada)
    Job.objects.filter(pk=job.pk).update(quarantine_reason="unknown zone", next_run_at=None)
    found = counts(api, ada)
    assert (found["scheduled_added"], found["invalid_cron"]) == (1, 0)
    job.refresh_from_db()
    assert (job.quarantine_reason, job.next_run_at is None) == ("", False)


def test_what_is_due_already_is_left_to_the_tick(api: Api, ada: User) -> None:
    job = make_job(ada, due="2026-03-01 10:00")
    assert counts(api, ada)["scheduled_moved"] == 0
    assert Job.objects.get().next_run_at == job.next_run_at


@pytest.mark.parametrize(("method", "path"), [("get", STATUS), ("post", RESYNC)])
def test_both_are_for_administrators(api: Api, uma: User, vic: User, method: str, path: str) -> None:
    assert getattr(api(), method)(path).status_code == 401
    for user in (uma, vic):
        answer = getattr(api(user), method)(path)
        assert (answer.status_code, answer.json()) == (403, {"detail": "Admin access required"})
