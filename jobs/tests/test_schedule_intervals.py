"""Intervals sit on a grid, single times fire once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from jobs.schedule import Interval, Once, ScheduleError, Slots, slots_between

ANCHOR = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
QUARTER = Interval(timedelta(minutes=15), ANCHOR)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (ANCHOR - timedelta(days=400), ANCHOR),
        (ANCHOR - timedelta(microseconds=1), ANCHOR),
        (ANCHOR, ANCHOR + timedelta(minutes=15)),
        (ANCHOR + timedelta(minutes=14, seconds=59), ANCHOR + timedelta(minutes=15)),
        (ANCHOR + timedelta(minutes=15), ANCHOR + timedelta(minutes=30)),
        (ANCHOR + timedelta(days=3650, minutes=1), ANCHOR + timedelta(days=3650, minutes=15)),
    ],
)
def test_the_next_slot_is_the_next_point_of_the_grid(moment: datetime, expected: datetime) -> None:
    assert QUARTER.next_after(moment) == expected


def test_slots_do_not_depend_on_when_they_are_asked_for() -> None:
    late = ANCHOR + timedelta(hours=7, minutes=3, seconds=21, microseconds=5)
    assert QUARTER.next_after(late) == ANCHOR + timedelta(hours=7, minutes=15)


def test_a_grid_of_odd_periods_never_drifts() -> None:
    odd = Interval(timedelta(seconds=1, microseconds=333_333), ANCHOR)
    moment = ANCHOR
    for k in range(1, 1000):
        following = odd.next_after(moment)
        assert following == ANCHOR + k * odd.every
        moment = following


def test_intervals_ignore_clock_changes_and_answer_in_utc() -> None:
    anchor = datetime(2026, 3, 28, 12, tzinfo=timezone(timedelta(hours=1)))
    slot = Interval(timedelta(days=1), anchor).next_after(anchor)
    assert slot is not None
    assert slot.isoformat() == "2026-03-29T11:00:00+00:00"


def test_the_end_of_an_interval_is_inclusive() -> None:
    ending = Interval(timedelta(minutes=15), ANCHOR, end=ANCHOR + timedelta(minutes=30))
    assert ending.next_after(ANCHOR + timedelta(minutes=15)) == ANCHOR + timedelta(minutes=30)
    assert ending.next_after(ANCHOR + timedelta(minutes=30)) is None
    assert len(slots_between(ending, ANCHOR, ANCHOR + timedelta(days=1)).times) == 3


def test_slots_between_includes_both_ends() -> None:
    found = slots_between(QUARTER, ANCHOR, ANCHOR + timedelta(minutes=30))
    assert found == Slots([ANCHOR + timedelta(minutes=n) for n in (0, 15, 30)], skipped=0)


def test_slots_between_starts_on_the_grid() -> None:
    found = slots_between(QUARTER, ANCHOR + timedelta(minutes=1), ANCHOR + timedelta(minutes=44))
    assert found.times == [ANCHOR + timedelta(minutes=15), ANCHOR + timedelta(minutes=30)]


def test_slots_between_keeps_the_latest_and_counts_the_rest() -> None:
    second = Interval(timedelta(seconds=1), ANCHOR)
    found = slots_between(second, ANCHOR - timedelta(days=1), ANCHOR + timedelta(days=365), limit=3)
    last = ANCHOR + timedelta(days=365)
    assert found.times == [last - timedelta(seconds=n) for n in (2, 1, 0)]
    assert found.skipped == 365 * 86_400 + 1 - 3


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_only_counts(limit: int) -> None:
    assert slots_between(QUARTER, ANCHOR, ANCHOR + timedelta(hours=1), limit) == Slots([], skipped=5)


def test_an_empty_span_has_no_slots() -> None:
    assert slots_between(QUARTER, ANCHOR + timedelta(hours=1), ANCHOR) == Slots([], skipped=0)
    assert slots_between(QUARTER, ANCHOR - timedelta(hours=2), ANCHOR - timedelta(hours=1)) == Slots([], 0)


@pytest.mark.parametrize(
    "every", [timedelta(0), timedelta(seconds=-5), timedelta(milliseconds=999), timedelta(days=3654)]
)
def test_an_interval_too_short_or_too_long_is_refused(every: timedelta) -> None:
    with pytest.raises(ScheduleError) as refusal:
        Interval(every, ANCHOR)
    assert refusal.value.field == "every"


@pytest.mark.parametrize("every", [timedelta(seconds=1), timedelta(days=3652)])
def test_the_shortest_and_the_longest_interval_are_accepted(every: timedelta) -> None:
    assert Interval(every, ANCHOR).next_after(ANCHOR) == ANCHOR + every


def test_a_grid_ends_with_the_calendar() -> None:
    assert Interval(timedelta(days=3650), ANCHOR).next_after(datetime.max.replace(tzinfo=UTC)) is None


def test_a_naive_anchor_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="aware"):
        Interval(timedelta(minutes=1), datetime(2026, 1, 1))


def test_a_single_time_fires_once() -> None:
    once = Once(ANCHOR)
    assert once.next_after(ANCHOR - timedelta(days=3000)) == ANCHOR
    assert once.next_after(ANCHOR) is None
    assert slots_between(once, ANCHOR, ANCHOR) == Slots([ANCHOR], 0)
    assert slots_between(once, ANCHOR, ANCHOR, limit=0) == Slots([], 1)
    assert slots_between(once, ANCHOR + timedelta(seconds=1), ANCHOR + timedelta(days=1)) == Slots([], 0)


def test_a_single_time_needs_a_zone() -> None:
    with pytest.raises(ScheduleError) as refusal:
        Once(datetime(2026, 1, 1))
    assert refusal.value.field == "at"
