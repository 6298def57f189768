"""Which days a cron expression means: either or both day fields, month ends, leap years, L and #."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from jobs.schedule import Cron, slots_between
from jobs.schedule.cron import DayRule, parse
from jobs.schedule.wall_clock import next_day


def dates(expression: str, year: int = 2026, day_rule: DayRule = "either", years: int = 1) -> list[date]:
    cron = Cron(expression, "UTC", day_rule)
    found = slots_between(
        cron,
        datetime(year, 1, 1, tzinfo=UTC),
        datetime(year + years, 1, 1, tzinfo=UTC) - timedelta(seconds=1),
    )
    return [slot.date() for slot in found.times]


def days_of(year: int) -> list[date]:
    return [
        date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]


def test_friday_or_the_13th_comes_61_times_in_2026() -> None:
    expected = [day for day in days_of(2026) if day.day == 13 or day.isoweekday() == 5]
    assert len(expected) == 61
    assert dates("0 0 13 * 5") == expected


def test_friday_the_13th_comes_3_times_in_2026_when_both_must_match() -> None:
    assert dates("0 0 13 * 5", day_rule="both") == [date(2026, 2, 13), date(2026, 3, 13), date(2026, 11, 13)]


@pytest.mark.parametrize("expression", ["0 0 */2 * 1", "0 0 *,5 * 1", "0 0 1-31/2 * */1"])
def test_a_day_field_that_starts_with_a_star_does_not_widen_the_other(expression: str) -> None:
    odd = "*,5" not in expression
    monday_only = not expression.endswith("*/1")
    expected = [
        day
        for day in days_of(2026)
        if (not odd or day.day % 2) and (not monday_only or day.isoweekday() == 1)
    ]
    assert dates(expression) == expected


@pytest.mark.parametrize("expression", ["0 0 1-31 * 1", "0 0 5 * 0-6", "0 0 5 * 1-7", "0 0 1-31 * 0-7"])
def test_a_written_out_full_range_is_a_restriction_that_every_day_meets(expression: str) -> None:
    assert dates(expression) == days_of(2026)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("0 0 5-5 * *", [5]), ("0 0 29-31 2 *", []), ("0 0 28-30 2 *", [28]), ("0 0 31 4-5 *", [31])],
)
def test_month_ends_are_respected(expression: str, expected: list[int]) -> None:
    found = dates(expression)
    assert sorted({day.day for day in found}) == expected


def test_the_31st_comes_in_seven_months() -> None:
    assert [day.month for day in dates("0 0 31 * *")] == [1, 3, 5, 7, 8, 10, 12]


def test_the_29th_of_february_comes_in_leap_years() -> None:
    assert dates("0 0 29 2 *", years=10) == [date(2028, 2, 29), date(2032, 2, 29)]


def test_the_29th_of_february_or_a_monday_of_it() -> None:
    assert dates("0 0 29 2 1", 2028) == [date(2028, 2, day) for day in (7, 14, 21, 28, 29)]


def test_an_impossible_day_of_month_leaves_the_weekdays() -> None:
    assert dates("0 0 31 2 1") == [date(2026, 2, day) for day in (2, 9, 16, 23)]


def test_l_is_the_last_day_of_every_month() -> None:
    assert dates("0 0 L * *", 2028) == [
        date(2028, month, monthrange(2028, month)[1]) for month in range(1, 13)
    ]


def test_l_stands_in_lists() -> None:
    expected = [day for day in days_of(2026) if day.day in (15, monthrange(day.year, day.month)[1])]
    assert dates("0 0 15,L * *") == expected


@pytest.mark.parametrize("missing", [1, 15, 28, 29, 30, 31])
def test_all_days_but_one_and_the_last_day(missing: int) -> None:
    expression = ",".join(str(day) for day in range(1, 32) if day != missing)
    expected = [
        day for day in days_of(2028) if day.day != missing or day.day == monthrange(day.year, day.month)[1]
    ]
    assert dates(f"0 0 {expression},L * *", 2028) == expected


def test_l_or_a_weekday() -> None:
    last = [day for day in days_of(2026) if day.day == monthrange(day.year, day.month)[1]]
    fridays = [day for day in days_of(2026) if day.isoweekday() == 5]
    assert dates("0 0 L * 5") == sorted({*last, *fridays})
    assert dates("0 0 L * 5", day_rule="both") == sorted({*last} & {*fridays})


@pytest.mark.parametrize(("weekday", "nth"), list(product(range(8), range(1, 6))))
def test_nth_weekday_of_the_month(weekday: int, nth: int) -> None:
    expected = [
        day for day in days_of(2026) if day.isoweekday() % 7 == weekday % 7 and (day.day + 6) // 7 == nth
    ]
    assert dates(f"0 0 * * {weekday}#{nth}") == expected


def test_several_nth_weekdays() -> None:
    found = dates("0 0 * 1 mon#1,fri#3")
    assert found == [date(2026, 1, 5), date(2026, 1, 16)]


def test_an_nth_weekday_within_restricted_days_when_both_must_match() -> None:
    assert dates("0 0 15-17 * fri#3", day_rule="both") == [
        day for day in days_of(2026) if day.isoweekday() == 5 and day.day in (15, 16, 17)
    ]


def test_the_next_day_may_be_the_day_itself() -> None:
    friday = date(2026, 2, 13)
    assert next_day(parse("0 0 13 * 5", "both").days, friday) == friday
    assert next_day(parse("0 0 13 * 5", "both").days, friday + timedelta(days=1)) == date(2026, 3, 13)


def test_positions_of_weekdays_stand_in_lists_of_the_day_of_month() -> None:
    last = {day for day in days_of(2026) if day.day == monthrange(day.year, day.month)[1]}
    first_mondays = {day for day in days_of(2026) if day.isoweekday() == 1 and day.day <= 7}
    assert dates("0 0 mon#1,L,10 * *") == sorted(
        last | first_mondays | {day for day in days_of(2026) if day.day == 10}
    )


def test_the_last_friday_of_every_month() -> None:
    fridays = [day for day in days_of(2026) if day.isoweekday() == 5]
    assert dates("0 0 fri#L * *") == [day for day in fridays if (day + timedelta(days=7)).month != day.month]


def test_a_position_and_a_weekday_agree_only_where_both_must_match() -> None:
    fridays = {day for day in days_of(2026) if day.isoweekday() == 5}
    first_mondays = {day for day in days_of(2026) if day.isoweekday() == 1 and day.day <= 7}
    assert dates("0 0 mon#1 * 5") == sorted(fridays | first_mondays)
    assert dates("0 0 mon#1,13 * 5", day_rule="both") == sorted(day for day in fridays if day.day == 13)
    assert dates("0 0 mon#1,13 * 1,5") == sorted(
        fridays | {day for day in days_of(2026) if day.day == 13 or day.isoweekday() == 1}
    )
