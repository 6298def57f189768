"""The fates of due times after a time in which nobody looked."""

from __future__ import annotations

import datetime as dt

import pytest

from executions.ledger.catch_up import plan
from jobs.schedule import Cron, Interval
from jobs.tests.factories import moment

HOURLY = Cron("0 * * * *", "UTC")
MINUTELY = Cron("* * * * *", "UTC")
DAY = dt.timedelta(days=1)


def fates(
    schedule: Cron | Interval, first: str, now: str, catch_up: str, deadline: dt.timedelta
) -> list[str]:
    planned = plan(schedule, moment(first), moment(now), catch_up=catch_up, deadline=deadline)
    return [f"{fate.slot:%H:%M} {fate.state}{f' {fate.reason}' if fate.reason else ''}" for fate in planned]


def test_an_hourly_job_that_skips_misses_the_three_hours_of_an_outage() -> None:
    assert fates(HOURLY, "2026-03-01 01:00", "2026-03-01 03:10", "skip", DAY) == [
        "01:00 missed down",
        "02:00 missed down",
        "03:00 missed down",
    ]


def test_by_default_an_outage_is_made_up_for_by_one_run_for_the_latest_due_time() -> None:
    assert fates(HOURLY, "2026-03-01 01:00", "2026-03-01 03:10", "last", dt.timedelta(hours=1)) == [
        "01:00 skipped coalesced",
        "02:00 skipped coalesced",
        "03:00 queued",
    ]


def test_a_job_that_catches_up_on_all_runs_each_due_time_in_order() -> None:
    assert fates(HOURLY, "2026-03-01 01:00", "2026-03-01 03:10", "all", DAY) == [
        "01:00 queued",
        "02:00 queued",
        "03:00 queued",
    ]


def test_what_is_older_than_the_start_deadline_is_missed_and_not_run() -> None:
    assert fates(HOURLY, "2026-03-01 01:00", "2026-03-01 03:10", "all", dt.timedelta(minutes=90)) == [
        "01:00 missed deadline",
        "02:00 queued",
        "03:00 queued",
    ]


def test_when_even_the_latest_is_too_old_nothing_runs() -> None:
    deadline = dt.timedelta(minutes=5)
    assert fates(HOURLY, "2026-03-01 01:00", "2026-03-01 02:10", "last", deadline) == [
        "01:00 missed deadline",
        "02:00 missed deadline",
    ]


@pytest.mark.parametrize("catch_up", ["skip", "last", "all"])
def test_a_due_time_met_on_time_is_queued_whatever_the_rule(catch_up: str) -> None:
    assert fates(HOURLY, "2026-03-01 01:00", "2026-03-01 01:00:01", catch_up, DAY) == ["01:00 queued"]


def test_a_minute_of_delay_is_no_outage() -> None:
    assert fates(MINUTELY, "2026-03-01 01:00", "2026-03-01 01:01:30", "skip", DAY) == [
        "01:00 missed down",
        "01:01 queued",
    ]


def test_three_days_of_minutes_become_one_row_with_a_count_and_one_run() -> None:
    planned = plan(
        MINUTELY, moment("2026-03-01 00:00"), moment("2026-03-04 00:00"), catch_up="last", deadline=DAY
    )
    summary, run = planned
    assert (summary.slots, summary.state, summary.reason) == (3 * 1440, "skipped", "coalesced")
    assert summary.last == moment("2026-03-03 23:59")
    assert (run.slot, run.state) == (moment("2026-03-04 00:00"), "queued")


def test_a_catch_up_of_all_runs_at_most_a_hundred() -> None:
    planned = plan(
        MINUTELY,
        moment("2026-03-01 00:00"),
        moment("2026-03-02 00:00"),
        catch_up="all",
        deadline=dt.timedelta(days=7),
    )
    assert sum(fate.state == "queued" for fate in planned) == 100
    assert sum(fate.slots for fate in planned) == 1441


def test_no_due_time_is_forgotten_however_long_the_outage_was() -> None:
    every_second = Interval(dt.timedelta(seconds=1), anchor=moment("2026-03-01 00:00"))
    planned = plan(
        every_second, moment("2026-03-01 00:00"), moment("2026-03-02 00:00"), catch_up="last", deadline=DAY
    )
    assert sum(fate.slots for fate in planned) == 86401
    assert planned[0].slot == moment("2026-03-01 00:00")


def test_of_very_many_due_times_the_latest_are_run_and_the_others_say_the_truth() -> None:
    """301 due times within the deadline: 100 are run, and the deadline of the others has not passed."""
    first, now = moment("2026-03-01 10:00"), moment("2026-03-01 15:00")
    missed, *runs = plan(MINUTELY, first, now, catch_up="all", deadline=dt.timedelta(hours=6))
    assert (missed.state, missed.reason, missed.slots) == ("missed", "too_many", 201)
    assert len(runs) == 100
    assert {one.state for one in runs} == {"queued"}
