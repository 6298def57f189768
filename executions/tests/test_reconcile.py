"""What a crash at any line leaves behind is mended."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from audit.record import Actor
from executions.models import Execution, Heartbeat
from executions.tests.conftest import Ledger
from executions.upkeep import reconcile
from executions.values import Claim
from jobs import verbs
from jobs.models import Job, Pause
from jobs.tests.factories import make_job, moment


def queued(ledger: Ledger, **changes: Any) -> tuple[Job, Execution]:
    job = make_job(due="2026-03-01 10:00", **changes)
    ledger.tick("2026-03-01 10:00:01")
    return job, ledger.rows(job)[-1]


def running(ledger: Ledger, **changes: Any) -> tuple[Job, Claim]:
    job, run = queued(ledger, **changes)
    (claim,) = ledger.claim(run, "2026-03-01 10:00:02")
    ledger.announced.clear()
    return job, claim


def mend(now: str, *, settled: bool = True) -> None:
    reconcile.reconcile(moment(now), settled=settled)


def test_a_run_that_was_committed_but_never_announced_is_announced(ledger: Ledger) -> None:
    _, run = queued(ledger)
    Execution.objects.update(published_at=None)
    ledger.announced.clear()
    mend("2026-03-01 10:00:10")
    assert [found.pk for found in ledger.announced] == [run.pk]


def test_a_run_that_is_being_announced_right_now_is_left_to_its_author(ledger: Ledger) -> None:
    queued(ledger)
    Execution.objects.update(published_at=None)
    ledger.announced.clear()
    mend("2026-03-01 10:00:03")
    assert ledger.announced == []


def test_runs_whose_messages_the_broker_lost_are_announced_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = queued(ledger)
    Execution.objects.update(published_at=moment("2026-03-01 10:00:01"))
    ledger.announced.clear()
    monkeypatch.setattr(reconcile, "depth", lambda queue: 0)
    mend("2026-03-01 10:00:40")
    assert [found.pk for found in ledger.announced] == [run.pk]


def test_runs_whose_messages_still_wait_in_the_broker_are_not_announced_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(ledger)
    Execution.objects.update(published_at=moment("2026-03-01 10:00:01"))
    ledger.announced.clear()
    monkeypatch.setattr(reconcile, "depth", lambda queue: 1)
    mend("2026-03-01 10:00:40")
    assert ledger.announced == []


def test_a_run_whose_lease_has_run_out_is_lost(ledger: Ledger) -> None:
    job, _ = running(ledger)
    mend("2026-03-01 10:00:40")
    assert ledger.fates(job) == ["10:00 running"]
    mend("2026-03-01 10:00:50")
    assert ledger.fates(job) == ["10:00 lost lost"]
    assert ledger.rows(job)[0].busy is None


def test_a_lost_run_is_repeated_only_if_the_job_says_that_this_is_safe(ledger: Ledger) -> None:
    job, _ = running(ledger, rerun_lost=True)
    mend("2026-03-01 10:00:50")
    (row,) = ledger.rows(job)
    assert (row.state, row.reason) == ("queued", "retrying")
    assert [found.pk for found in ledger.announced] == [row.pk]


def test_a_job_that_kills_its_worker_is_given_up_after_three_times(ledger: Ledger) -> None:
    job, _ = running(ledger, rerun_lost=True)
    for minute in range(1, 6):
        mend(f"2026-03-01 10:0{minute}:50")
        (row,) = ledger.rows(job)
        ledger.claim(row, f"2026-03-01 10:0{minute}:51")
    (row,) = ledger.rows(job)
    assert (row.state, row.attempt) == ("lost", 3)


def test_right_after_an_outage_of_everything_living_workers_may_renew_first(ledger: Ledger) -> None:
    job, _ = running(ledger)
    mend("2026-03-01 10:05", settled=False)
    assert ledger.fates(job) == ["10:00 running"]


def test_only_one_process_reconciles_at_a_time(ledger: Ledger) -> None:
    assert reconcile.take_turn(moment("2026-03-01 10:00:00")) is True
    assert reconcile.take_turn(moment("2026-03-01 10:00:05")) is False
    assert reconcile.take_turn(moment("2026-03-01 10:00:11")) is True


def test_a_clock_that_goes_back_does_not_end_reconciling(ledger: Ledger) -> None:
    reconcile.take_turn(moment("2026-03-01 12:00:00"))
    assert reconcile.take_turn(moment("2026-03-01 10:00:00")) is True


def test_leases_are_judged_again_twelve_seconds_after_an_outage(ledger: Ledger) -> None:
    job, _ = running(ledger)
    reconcile.take_turn(moment("2026-03-01 10:00:10"))
    for second in (0, 10, 11, 12):
        reconcile.take_turn(moment("2026-03-01 13:00:00") + dt.timedelta(seconds=second))
        expected = "10:00 running" if second < 12 else "10:00 lost lost"
        assert ledger.fates(job) == [expected]


def test_a_held_run_behind_which_nobody_is_any_more_is_released(ledger: Ledger) -> None:
    _, run = queued(ledger, overlap="queue")
    Execution.objects.update(held=True)
    ledger.announced.clear()
    mend("2026-03-01 10:00:40")
    run.refresh_from_db()
    assert run.held is False


def test_the_queued_runs_of_a_paused_job_are_skipped(ledger: Ledger) -> None:
    job, _ = queued(ledger)
    Job.objects.update(next_run_at=moment("2099-01-01 00:00"))
    verbs.pause(job, by=Actor.system())
    mend("2026-03-01 10:00:40")
    assert ledger.fates(job) == ["10:00 skipped paused"]


def test_a_run_that_no_worker_took_in_time_is_missed(ledger: Ledger) -> None:
    job, _ = queued(ledger, start_deadline=600)
    mend("2026-03-01 10:10:02")
    assert ledger.fates(job) == ["10:00 missed deadline"]


def test_a_pause_ends_by_itself_and_nothing_fires_for_it(ledger: Ledger) -> None:
    job = make_job()
    until = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    verbs.pause(job, by=Actor.system(), reason="maintenance", until=until)
    reconcile.resume_pauses(until - dt.timedelta(seconds=1))
    assert Job.objects.paused().count() == 1
    reconcile.resume_pauses(until + dt.timedelta(seconds=1))
    job = Job.objects.get(pk=job.pk)
    assert job.is_active
    assert job.next_run_at is not None
    assert job.next_run_at > dt.datetime.now(dt.UTC)
    assert ledger.rows(job) == []
    assert Pause.objects.get().ended_at is not None


def test_a_job_past_its_end_date_is_paused_and_says_why(ledger: Ledger) -> None:
    job = make_job()
    Job.objects.update(end_date=dt.date(2020, 1, 1))
    reconcile.pause_ended()
    job = Job.objects.get(pk=job.pk)
    assert not job.is_active
    assert job.current_pause is not None
    assert job.current_pause.reason == "end date passed"


def test_processes_that_are_long_gone_are_forgotten(ledger: Ledger) -> None:
    now = moment("2026-03-01 10:00")
    Heartbeat.objects.create(name="beat old", role="beat", at=now - dt.timedelta(hours=2), started_at=now)
    Heartbeat.objects.create(name="beat new", role="beat", at=now, started_at=now)
    mend("2026-03-01 10:00:00")
    assert [row.name for row in Heartbeat.objects.filter(role="beat")] == ["beat new"]
