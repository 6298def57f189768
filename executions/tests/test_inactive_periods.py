"""A stretch in which a job did not follow its schedule leaves one row: how many due times, who, why and until when."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from audit.record import Actor
from conftest import Api
from executions.ledger.due import inactive_periods
from executions.models import Execution, PendingAlert
from executions.tests.conftest import Hands, Ledger
from executions.upkeep import reconcile, resync
from jobs import verbs
from jobs.models import InactivePeriod, Job, stored_schedule
from jobs.models.stored_schedule import Timing
from jobs.tests.factories import make_job, moment
from jobs.verbs import JobChanges
from notifications.models import Alert
from scheduler_site.lib import clock

EVERY_TWO = "*/2 * * * *"


def paused(hands: Hands, by: User | None = None, *, reason: str = "maintenance", **changes: Any) -> Job:
    """Paused at 10:00:30; its next due time is 10:02."""
    hands.at("2026-03-01 09:00")
    job = make_job(owner=by, due="2026-03-01 10:02", **({"expression": EVERY_TWO} | changes))
    hands.at("2026-03-01 10:00:30")
    verbs.pause(job, by=Actor(by, "page") if by else Actor.system(), reason=reason)
    return Job.objects.get(pk=job.pk)


def resume(hands: Hands, job: Job, at: str) -> None:
    hands.at(at)
    verbs.resume(job, by=Actor.system())


def change(hands: Hands, job: Job, at: str, **changes: Any) -> None:
    hands.at(at)
    verbs.update(Job.objects.get(pk=job.pk), JobChanges(**changes), by=Actor.system())


def told(ledger: Ledger, job: Job) -> list[str]:
    """`10:02-10:04 2 paused` for each row that is written now."""
    inactive_periods.settle()
    return [
        f"{row.due_at:%H:%M}{f'-{row.last_slot:%H:%M}' if row.last_slot else ''} {row.slots} {row.reason}"
        for row in ledger.rows(job)
    ]


def test_a_pause_over_two_due_times_leaves_one_row_that_says_who_why_and_until_when(
    ledger: Ledger, hands: Hands, uma: User
) -> None:
    job = paused(hands, uma)
    resume(hands, job, "2026-03-01 10:04:30")
    assert told(ledger, job) == ["10:02-10:04 2 paused"]
    (row,) = ledger.rows(job)
    assert (row.state, row.requested_by, row.error) == ("skipped", uma, "maintenance")
    assert row.finished_at == moment("2026-03-01 10:04:30")
    assert ledger.announced == []


def test_a_pause_over_a_single_due_time_names_it(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:03:59")
    assert told(ledger, job) == ["10:02 1 paused"]


def test_a_pause_between_two_due_times_leaves_nothing(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:01:59")
    assert told(ledger, job) == []
    assert not InactivePeriod.objects.exists()


def test_the_due_time_of_the_moment_of_the_resumption_belongs_to_the_pause(
    ledger: Ledger, hands: Hands
) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:04:00")
    ledger.tick("2026-03-01 10:06:00")
    assert told(ledger, job) == ["10:02-10:04 2 paused", "10:06 1 "]


def test_nothing_is_written_while_the_pause_goes_on(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    ledger.tick("2026-03-01 11:00")
    assert told(ledger, job) == []


def test_the_resumption_does_not_move_the_next_run(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:04:30")
    assert Job.objects.get(pk=job.pk).next_run_at == moment("2026-03-01 10:06")


def test_a_due_time_that_no_tick_had_taken_before_the_pause_is_not_counted_twice(
    ledger: Ledger, hands: Hands
) -> None:
    hands.at("2026-03-01 09:00")
    job = make_job(due="2026-03-01 10:00", expression=EVERY_TWO, overlap="allow")
    hands.at("2026-03-01 10:00:30")
    verbs.pause(job, by=Actor.system())
    resume(hands, job, "2026-03-01 10:04:30")
    ledger.tick("2026-03-01 10:04:31")
    assert told(ledger, job) == ["10:00 1 ", "10:02-10:04 2 paused"]


def test_a_pause_that_ends_by_itself_leaves_its_row(ledger: Ledger, hands: Hands) -> None:
    hands.at("2026-03-01 10:00:30")
    job = make_job(due="2026-03-01 10:02", expression=EVERY_TWO)
    verbs.pause(job, by=Actor.system(), until=moment("2026-03-01 10:05"))
    hands.at("2026-03-01 10:05:03")
    reconcile.resume_pauses(moment("2026-03-01 10:05:03"))
    assert told(ledger, job) == ["10:02-10:04 2 paused"]


# Once and only once ------------------------------------------------------------------------------------------------


def test_what_is_settled_twice_is_written_once(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:04:30")
    kept = InactivePeriod.objects.get()
    told(ledger, job)
    kept.pk = None
    kept.save(force_insert=True)
    assert told(ledger, job) == ["10:02-10:04 2 paused"]


def test_without_a_beat_the_reconciler_writes_the_row(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:04:30")
    reconcile.reconcile(moment("2026-03-01 10:04:40"))
    assert [row.slots for row in ledger.rows(job)] == [2]


def test_a_crash_between_the_row_and_its_end_leaves_one_row(
    ledger: Ledger, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:04:30")
    with monkeypatch.context() as broken:
        broken.setattr(InactivePeriod, "delete", lambda period: 1 / 0)
        assert told(ledger, job) == []
    assert told(ledger, job) == ["10:02-10:04 2 paused"]


def test_the_resumption_and_the_tick_at_once_leave_one_row(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:04:00")
    for second in range(3):
        ledger.tick(f"2026-03-01 10:04:0{second}")
        inactive_periods.settle()
    assert told(ledger, job) == ["10:02-10:04 2 paused"]


def test_fifty_switches_leave_a_row_for_each_pause_with_a_due_time(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    for second in range(30, 55):
        resume(hands, job, f"2026-03-01 10:00:{second}")
        verbs.pause(job, by=Actor.system())
    resume(hands, job, "2026-03-01 10:02:30")
    assert told(ledger, job) == ["10:02 1 paused"]


def test_two_pauses_one_after_the_other_leave_a_row_each(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    resume(hands, job, "2026-03-01 10:02:30")
    verbs.pause(job, by=Actor.system())
    resume(hands, job, "2026-03-01 10:06:30")
    assert told(ledger, job) == ["10:02 1 paused", "10:04-10:06 2 paused"]


def test_deleting_a_paused_job_writes_nothing(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    hands.at("2026-03-01 11:00")
    verbs.delete(job, by=Actor.system())
    assert told(ledger, job) == []
    assert not InactivePeriod.objects.exists()


# Schedules ---------------------------------------------------------------------------------------------------------


def test_a_change_of_the_schedule_during_the_pause_counts_both_schedules_in_one_row(
    ledger: Ledger, hands: Hands
) -> None:
    job = paused(hands)
    change(hands, job, "2026-03-01 10:05", timing=Timing("cron", "0 * * * *", "UTC", enabled=False))
    resume(hands, job, "2026-03-01 12:30")
    # 10:02 and 10:04 by the old one, 11:00 and 12:00 by the new one.
    assert told(ledger, job) == ["10:02-12:00 4 paused"]


def test_other_changes_during_the_pause_leave_the_count_alone(ledger: Ledger, hands: Hands) -> None:
    job = paused(hands)
    change(hands, job, "2026-03-01 10:05", values={"name": "another"})
    resume(hands, job, "2026-03-01 10:06:30")
    assert told(ledger, job) == ["10:02-10:06 3 paused"]


def test_a_job_that_loses_its_schedule_while_paused_leaves_what_was_due_until_then(
    ledger: Ledger, hands: Hands
) -> None:
    job = paused(hands)
    change(hands, job, "2026-03-01 10:05", timing=stored_schedule.NEVER)
    assert told(ledger, job) == ["10:02-10:04 2 paused"]


def test_a_job_that_was_made_with_its_schedule_off_leaves_a_row_when_it_is_switched_on(
    ledger: Ledger, hands: Hands
) -> None:
    hands.at("2026-03-01 10:00:30")
    changes = JobChanges({"name": "off", "kind": "webhook", "category": make_job().category})
    changes.timing = Timing("cron", EVERY_TWO, "UTC", enabled=False)
    job = verbs.create(changes, by=Actor.system())
    resume(hands, job, "2026-03-01 10:04:30")
    assert told(ledger, job) == ["10:02-10:04 2 paused"]


def test_a_job_that_is_to_run_once_in_a_pause_has_its_row(ledger: Ledger, hands: Hands) -> None:
    hands.at("2026-03-01 10:00")
    job = make_job(schedule_kind="once", expression="", at=moment("2026-03-01 10:30"))
    verbs.pause(job, by=Actor.system())
    resume(hands, job, "2026-03-01 11:00")
    assert told(ledger, job) == ["10:30 1 paused"]


def test_half_a_year_of_every_second_is_counted_at_once(ledger: Ledger, hands: Hands) -> None:
    hands.at("2026-03-01 09:00")
    job = make_job(schedule_kind="interval", expression="", every=1, period="seconds")
    hands.at("2026-03-01 10:00:00")
    Job.objects.filter(pk=job.pk).update(next_run_at=moment("2026-03-01 10:00:01"))
    verbs.pause(job, by=Actor.system())
    resume(hands, job, "2026-09-01 10:00:00")
    begun = time.process_time()
    inactive_periods.settle()
    assert time.process_time() - begun < 1
    (row,) = ledger.rows(job)
    assert (row.slots, row.last_slot) == (184 * 86400, moment("2026-09-01 10:00:00"))


def test_ten_years_of_every_minute_through_clock_changes_are_counted_at_once(
    ledger: Ledger, hands: Hands
) -> None:
    hands.at("2026-03-01 09:00")
    job = make_job(expression="* * * * *", timezone="Europe/Berlin", due="2026-03-01 10:01")
    hands.at("2026-03-01 10:00:00")
    verbs.pause(job, by=Actor.system())
    resume(hands, job, "2036-03-01 10:00:00")
    begun = time.process_time()
    inactive_periods.settle()
    assert time.process_time() - begun < 5
    (row,) = ledger.rows(job)
    assert row.slots == (moment("2036-03-01 10:00") - moment("2026-03-01 10:00")) // dt.timedelta(minutes=1)


# Ended and broken --------------------------------------------------------------------------------------------------


def ended(hands: Hands) -> Job:
    """Its last day is 1 March, in the scheduler's zone, which is UTC here."""
    hands.at("2026-03-01 09:00")
    job = make_job(expression="0 */6 * * *")
    change(hands, job, "2026-03-01 09:00", values={"end_date": dt.date(2026, 3, 1)})
    Job.objects.update(created_at=moment("2026-03-01 09:00"))
    hands.at("2026-03-02 00:00:05")
    reconcile.pause_ended()
    return job


def test_what_was_due_after_the_last_day_of_a_job_is_one_row_once_it_goes_on(
    ledger: Ledger, hands: Hands, settings: Any
) -> None:
    settings.SCHEDULER_TIMEZONE = "UTC"
    job = ended(hands)
    ledger.tick("2026-03-02 00:00:06")
    before = len(ledger.rows(job))
    change(hands, job, "2026-03-03 01:00", values={"end_date": dt.date(2026, 4, 1)})
    resume(hands, job, "2026-03-03 01:00:10")
    # 00:00, 06:00, 12:00, 18:00 of 2 March, and 00:00 of 3 March.
    assert told(ledger, job)[before:] == ["00:00-00:00 5 ended"]


def test_a_job_that_ends_while_it_is_paused_was_paused_until_its_end(
    ledger: Ledger, hands: Hands, settings: Any
) -> None:
    settings.SCHEDULER_TIMEZONE = "UTC"
    hands.at("2026-03-01 09:00")
    job = make_job(expression="0 */6 * * *")
    change(hands, job, "2026-03-01 09:00", values={"end_date": dt.date(2026, 3, 1)})
    verbs.pause(job, by=Actor.system())
    change(hands, job, "2026-03-02 13:00", values={"end_date": dt.date(2026, 4, 1)})
    resume(hands, job, "2026-03-02 19:00")
    assert told(ledger, job) == ["12:00-18:00 2 paused", "00:00-12:00 3 ended", "18:00 1 paused"]


def broken(hands: Hands, ledger: Ledger) -> Job:
    """Its zone is damaged in the database; the tick finds out at 10:02."""
    hands.at("2026-03-01 10:00:30")
    job = make_job(due="2026-03-01 10:02", expression=EVERY_TWO)
    _zone(job, "Mars/Olympus")
    hands.at("2026-03-01 10:02:00")
    ledger.tick("2026-03-01 10:02:00")
    assert Job.objects.get(pk=job.pk).quarantine_reason
    return job


def _zone(job: Job, name: str) -> None:
    task = job.periodic_task
    assert task is not None
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_crontabschedule SET timezone = %s WHERE id = %s",
            [name, task.crontab_id],
        )


def test_a_job_that_nobody_could_schedule_has_its_row_once_it_is_mended(ledger: Ledger, hands: Hands) -> None:
    job = broken(hands, ledger)
    _zone(job, "UTC")
    hands.at("2026-03-01 10:06:30")
    resync.resync(clock.now, by=Actor.system())
    assert told(ledger, job) == ["10:02-10:06 3 broken"]
    assert "time zone" in ledger.rows(job)[0].error


def test_of_a_schedule_that_nobody_can_read_the_one_known_due_time_is_told_and_nothing_is_made_up(
    ledger: Ledger, hands: Hands
) -> None:
    job = broken(hands, ledger)
    change(hands, job, "2026-03-01 10:06:30", timing=Timing("cron", EVERY_TWO, "UTC"))
    assert told(ledger, job) == ["10:02 1 broken"]
    assert ledger.rows(job)[0].error.endswith(inactive_periods.UNCOUNTED)


# What others make of it --------------------------------------------------------------------------------------------


def test_a_pause_alerts_nobody(ledger: Ledger, hands: Hands, uma: User) -> None:
    job = paused(hands, uma)
    resume(hands, job, "2026-03-01 10:04:30")
    before = Alert.objects.count()
    told(ledger, job)
    assert Alert.objects.count() == before
    assert not PendingAlert.objects.exists()


def test_the_api_says_why_and_only_to_those_who_ask_for_what_did_not_run(
    ledger: Ledger, hands: Hands, uma: User, api: Api
) -> None:
    job = paused(hands, uma)
    resume(hands, job, "2026-03-01 10:04:30")
    told(ledger, job)
    client = api(uma)
    address = f"/api/executions?job_id={job.uid}"
    assert client.get(address).json()["executions"] == []
    (row,) = client.get(f"{address}&status=skipped").json()["executions"]
    assert (row["slots"], row["reason"], row["requested_by"]) == (2, "paused", "uma")
    assert row["error_message"] == "the job was paused: maintenance"
    assert client.get(f"/api/executions/statistics?job_id={job.uid}").json()["total_executions"] == 0
    assert Execution.objects.runs().count() == 0


def test_the_page_of_the_row_says_how_many_from_when_to_when_and_by_whom(
    ledger: Ledger, hands: Hands, uma: User, client: Client
) -> None:
    job = paused(hands, uma, reason="<b>move</b>")
    resume(hands, job, "2026-03-01 10:04:30")
    told(ledger, job)
    client.force_login(uma)
    text = client.get(f"/executions/{ledger.rows(job)[0].uid}").content.decode()
    words = " ".join(re.sub("<[^>]*>", "", text).split())
    assert (
        "2 due times from 2026-03-01 10:02:00 UTC to 2026-03-01 10:04:00 UTC were not run: paused by uma."
        in words
    )
    assert "&lt;b&gt;move&lt;/b&gt;" in text
    assert "<b>move" not in text
