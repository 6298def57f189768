"""The slots of cron schedules: strictly after, within bounds, complete, counted when there are too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from jobs.schedule import Cron, ScheduleError, Slots, slots_between, zone

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
MINUTELY = Cron("* * * * *", "Europe/Berlin")
DAILY = Cron("0 12 * * *", "UTC")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOON - timedelta(microseconds=1), NOON),
        (NOON, NOON + timedelta(days=1)),
        (NOON + timedelta(microseconds=1), NOON + timedelta(days=1)),
        (NOON.astimezone(timezone(timedelta(hours=9))), NOON + timedelta(days=1)),
    ],
)
def test_the_next_slot_lies_strictly_after_the_moment(moment: datetime, expected: datetime) -> None:
    slot = DAILY.next_after(moment)
    assert slot == expected
    assert slot.tzinfo is UTC


def test_a_schedule_asks_for_aware_moments() -> None:
    with pytest.raises(ValueError, match="aware"):
        DAILY.next_after(datetime(2026, 1, 1))


def test_start_and_end_are_inclusive() -> None:
    bounded = Cron("0 12 * * *", "UTC", start=NOON, end=NOON + timedelta(days=2))
    assert bounded.next_after(NOON - timedelta(days=100)) == NOON
    assert bounded.next_after(NOON + timedelta(days=1)) == NOON + timedelta(days=2)
    assert bounded.next_after(NOON + timedelta(days=2)) is None
    found = slots_between(bounded, NOON - timedelta(days=9), NOON + timedelta(days=9))
    assert found.times == [NOON, NOON + timedelta(days=1), NOON + timedelta(days=2)]


def test_bounds_between_slots_do_not_round() -> None:
    bit = timedelta(microseconds=1)
    bounded = Cron("0 12 * * *", "UTC", start=NOON + bit, end=NOON + timedelta(days=2) - bit)
    assert slots_between(bounded, NOON, NOON + timedelta(days=9)).times == [NOON + timedelta(days=1)]


def test_a_start_far_ahead_is_waited_for() -> None:
    assert Cron("0 12 * * *", "UTC", start=datetime(2040, 1, 1, tzinfo=UTC)).next_after(NOON) == datetime(
        2040, 1, 1, 12, tzinfo=UTC
    )


def test_a_schedule_that_never_fires_has_no_next_slot() -> None:
    assert Cron("0 0 31 2 *", "UTC").next_after(NOON) is None
    assert slots_between(Cron("0 0 31 2 *", "UTC"), NOON, NOON + timedelta(days=3000)) == Slots([], 0)


@pytest.mark.parametrize("moment", [datetime.min, datetime(1969, 1, 1), datetime(9998, 1, 1), datetime.max])
def test_the_ends_of_the_calendar_do_no_harm(moment: datetime) -> None:
    slot = MINUTELY.next_after(moment.replace(tzinfo=UTC))
    assert slot is None or slot.year == 1970


def test_a_bad_row_is_refused_when_it_is_read() -> None:
    with pytest.raises(ScheduleError) as refusal:
        Cron("61 * * * *", "UTC").next_after(NOON)
    assert refusal.value.field == "expression"
    with pytest.raises(ScheduleError) as refusal:
        Cron("* * * * *", "Mars/Olympus").next_after(NOON)
    assert refusal.value.field == "timezone"


def test_three_days_of_a_minutely_job_are_complete() -> None:
    found = slots_between(MINUTELY, NOON, NOON + timedelta(days=3) - timedelta(seconds=1))
    assert found.times == [NOON + timedelta(minutes=n) for n in range(4320)]
    assert found.skipped == 0


def test_six_months_of_a_minutely_job_keep_the_latest_and_count_the_rest() -> None:
    last = NOON + timedelta(days=182)  # the clock changes in between
    found = slots_between(MINUTELY, NOON, last)
    assert found.times == [last - timedelta(minutes=n) for n in reversed(range(10_000))]
    assert found.skipped == 182 * 1440 + 1 - 10_000


@pytest.mark.parametrize("limit", [0, 1, 2, 59, 60, 1440, 1441, 10_000])
def test_kept_and_skipped_slots_add_up(limit: int) -> None:
    everything = slots_between(MINUTELY, NOON, NOON + timedelta(days=5, minutes=7), limit=100_000).times
    found = slots_between(MINUTELY, NOON, NOON + timedelta(days=5, minutes=7), limit)
    assert found.times == everything[len(everything) - min(limit, len(everything)) :]
    assert found.skipped + len(found.times) == len(everything) == 5 * 1440 + 8


def test_slots_between_agrees_with_stepping_from_slot_to_slot() -> None:
    cron = Cron("*/7 1-3,23 * * *", "Europe/Berlin")
    first, last = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC)
    stepped, slot = [], cron.next_after(first - timedelta(seconds=1))
    while slot and slot <= last:
        stepped.append(slot)
        slot = cron.next_after(slot)
    assert slots_between(cron, first, last).times == stepped


def test_an_empty_span_has_no_slots() -> None:
    assert slots_between(MINUTELY, NOON, NOON - timedelta(seconds=1)) == Slots([], 0)
    assert slots_between(MINUTELY, NOON, NOON) == Slots([NOON], 0)
    assert slots_between(MINUTELY, NOON + timedelta(seconds=1), NOON + timedelta(seconds=59)) == Slots([], 0)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_a_known_zone_is_found(name: str) -> None:
    assert zone(name).key == name


@pytest.mark.parametrize(
    "name",
    [
        "", "europe/berlin", "Europe", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "Europe/../UTC",
        "UTC\n", "UTC\x00", " UTC", "A" * 5000, "localtime", "Factory", "posixrules", "right/UTC", "tzdata.zi",
        None, 5,
    ],
)  # fmt: skip
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError) as refusal:
        zone(name)
    assert refusal.value.field == "timezone"
