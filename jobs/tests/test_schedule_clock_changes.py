"""The nights on which clocks change, as tables, in the manner of Debian's cron(8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.schedule import Cron, slots_between


def on(expression: str, timezone: str, day: str) -> list[str]:
    """The slots of one local day, as UTC times with the day."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(timezone))
    first, last = midnight.astimezone(UTC), (midnight + timedelta(days=1)).replace(fold=1).astimezone(UTC)
    found = slots_between(Cron(expression, timezone), first, last - timedelta(seconds=1))
    return [f"{slot:%dT%H:%M}" for slot in found.times]


FIXED_IN_A_GAP = [
    ("30 2 * * *", "Europe/Berlin", "2026-03-29", ["29T01:00"]),
    ("0,15,45 2 * * *", "Europe/Berlin", "2026-03-29", ["29T01:00"]),
    ("30 2,3 * * *", "Europe/Berlin", "2026-03-29", ["29T01:00", "29T01:30"]),
    ("0 2,3 * * *", "Europe/Berlin", "2026-03-29", ["29T01:00"]),
    ("59 1 * * *", "Europe/Berlin", "2026-03-29", ["29T00:59"]),
    ("30 1 * * *", "Europe/London", "2026-03-29", ["29T01:00"]),
    ("30 2 * * *", "America/New_York", "2026-03-08", ["08T07:00"]),
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["03T15:30"]),
    ("45 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["03T15:45"]),
    ("0 0 * * *", "America/Santiago", "2026-09-06", ["06T04:00"]),
    ("30 0 * * 0", "America/Santiago", "2026-09-06", ["06T04:00"]),
    ("30 0 * * *", "Africa/Cairo", "2026-04-24", ["23T22:00"]),
    ("30 0 * * *", "Asia/Beirut", "2026-03-29", ["28T22:00"]),
    ("30 1 * * *", "Antarctica/Troll", "2026-03-29", ["29T01:00"]),
    ("0 1,2,3 * * *", "Antarctica/Troll", "2026-03-29", ["29T01:00"]),
    ("30 2 * * *", "Asia/Tokyo", "2026-03-29", ["28T17:30"]),
]

FIXED_IN_AN_OVERLAP = [
    ("30 2 * * *", "Europe/Berlin", "2026-10-25", ["25T00:30"]),
    ("0 2,3 * * *", "Europe/Berlin", "2026-10-25", ["25T00:00", "25T02:00"]),
    ("30 1 * * *", "Europe/London", "2026-10-25", ["25T00:30"]),
    ("30 1 * * *", "America/New_York", "2026-11-01", ["01T05:30"]),
    ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["04T14:45"]),
    ("15 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["04T14:15"]),
    ("30 23 * * *", "America/Santiago", "2026-04-04", ["05T02:30"]),
    ("30 0 * * *", "America/Havana", "2026-11-01", ["01T04:30"]),
    ("30 1,2 * * *", "Antarctica/Troll", "2026-10-25", ["24T23:30", "25T00:30"]),
]

WILDCARDS = [
    ("*/30 2 * * *", "Europe/Berlin", "2026-03-29", []),
    ("30 */2 * * *", "Europe/Berlin", "2026-03-29", 11),
    ("*/30 * * * *", "Europe/Berlin", "2026-03-29", 46),
    ("*/30 * * * *", "Europe/Berlin", "2026-10-25", 50),
    ("* * * * *", "Europe/Berlin", "2026-10-25", 25 * 60),
    ("30 * * * *", "Europe/Berlin", "2026-10-25", 25),
    ("*/30 2 * * *", "Europe/Berlin", "2026-10-25", ["25T00:00", "25T00:30", "25T01:00", "25T01:30"]),
    ("* * * * *", "America/New_York", "2026-03-08", 23 * 60),
    ("* * * * *", "America/New_York", "2026-11-01", 25 * 60),
    ("0 * * * *", "Australia/Lord_Howe", "2026-10-04", 23),
    ("*/15 * * * *", "Australia/Lord_Howe", "2026-04-05", 98),
    ("*/15 1 * * *", "Australia/Lord_Howe", "2026-04-05", [
        "04T14:00", "04T14:15", "04T14:30", "04T14:45", "04T15:00", "04T15:15",
    ]),
    ("*/30 0 * * *", "America/Santiago", "2026-09-06", []),
    ("*/30 23 * * *", "America/Santiago", "2026-04-04", ["05T02:00", "05T02:30", "05T03:00", "05T03:30"]),
    ("* * * * *", "Asia/Tokyo", "2026-03-29", 24 * 60),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "timezone", "day", "expected"), FIXED_IN_A_GAP)
def test_a_fixed_time_that_is_skipped_runs_once_right_after_the_change(
    expression: str, timezone: str, day: str, expected: list[str]
) -> None:
    assert on(expression, timezone, day) == expected


@pytest.mark.parametrize(("expression", "timezone", "day", "expected"), FIXED_IN_AN_OVERLAP)
def test_a_fixed_time_that_is_repeated_runs_at_the_first_occurrence(
    expression: str, timezone: str, day: str, expected: list[str]
) -> None:
    assert on(expression, timezone, day) == expected


@pytest.mark.parametrize(("expression", "timezone", "day", "expected"), WILDCARDS)
def test_a_wildcard_job_follows_the_new_clock(
    expression: str, timezone: str, day: str, expected: list[str] | int
) -> None:
    found = on(expression, timezone, day)
    assert found == expected or len(found) == expected


def test_an_evening_that_is_skipped_runs_at_midnight_and_meets_the_next_day_only_once() -> None:
    cron = Cron("0,30 0,23 * * *", "America/Nuuk")  # 2026-03-28 23:00 becomes 00:00
    found = slots_between(cron, datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert [f"{slot:%dT%H:%M}" for slot in found.times] == ["29T01:00", "29T01:30"]


def test_slots_of_a_repeated_stretch_across_midnight_stay_in_order() -> None:
    cron = Cron("*/20 * * * *", "America/St_Johns")  # 2010-11-07 00:01 became 2010-11-06 23:01
    found = slots_between(cron, datetime(2010, 11, 7, 1, tzinfo=UTC), datetime(2010, 11, 7, 5, tzinfo=UTC))
    walls = [f"{slot.astimezone(ZoneInfo('America/St_Johns')):%dT%H:%M}" for slot in found.times]
    assert walls == [
        "06T22:40", "06T23:00", "06T23:20", "06T23:40", "07T00:00", "06T23:20", "06T23:40",
        "07T00:00", "07T00:20", "07T00:40", "07T01:00", "07T01:20",
    ]  # fmt: skip
    assert found.times == sorted(set(found.times))


def test_a_day_that_is_over_may_come_back_for_a_while() -> None:
    second_pass = datetime(2010, 11, 7, 2, 50, tzinfo=UTC)  # 23:20 on the 6th, once more
    yesterday = Cron("20 * 6 11 *", "America/St_Johns")
    assert yesterday.next_after(datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC)) == second_pass
    today = Cron("0 * 7 11 *", "America/St_Johns")
    midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    assert slots_between(today, midnight, second_pass).times == [midnight]


def test_a_day_that_a_zone_left_out_runs_right_after_it() -> None:
    cron = Cron("30 2 * * *", "Pacific/Apia")  # 2011-12-30 did not exist in Samoa
    found = slots_between(cron, datetime(2011, 12, 29, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC))
    assert [f"{slot:%dT%H:%M}" for slot in found.times] == ["29T12:30", "30T10:00", "30T12:30", "31T12:30"]
