"""Which cron expressions are accepted, what they become, and why the others are refused."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from jobs.schedule import NeverFires, ScheduleError, parse_cron
from jobs.schedule.cron import parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)

ACCEPTED = [
    ("*/5 * * * *", "*/5 * * * *"),
    ("  0\t9  * * 1-5 ", "0 9 * * 1-5"),
    ("0 0 * * MON-Fri", "0 0 * * mon-fri"),
    ("0 0 1 JAN,dec *", "0 0 1 jan,dec *"),
    ("0 0 l * *", "0 0 L * *"),
    ("0 0 15,L * *", "0 0 15,L * *"),
    ("0 0 last * *", "0 0 L * *"),
    ("5/15 2/3 * * *", "5/15 2/3 * * *"),
    ("0 0 * * FRI#3", "0 0 * * fri#3"),
    ("0 0 */2 * 5#3", "0 0 */2 * 5#3"),
    ("0 0 FRI#3,15 * *", "0 0 fri#3,15 * *"),
    ("0 0 fri#l * *", "0 0 fri#L * *"),
    ("05 007 * * *", "05 007 * * *"),
    ("5,*/10 * * * *", "5,*/10 * * * *"),
    ("*/90 * * * *", "*/90 * * * *"),
    ("@hourly", "0 * * * *"),
    ("@DAILY", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
]

REFUSED = [
    ("", "five fields"),
    ("* * * *", "five fields.*has 4"),
    ("30 5 * * * *", "seconds are not supported"),
    ("0 " * 51, "at most 100 characters"),
    ("60 * * * *", "Minute field: 60 is not between 0 and 59"),
    ("* 24 * * *", "Hour field: 24 is not between 0 and 23"),
    ("* * 0 * *", "Day of month field: 0 is not between 1 and 31"),
    ("* * 32 * *", "Day of month field: 32 is not"),
    ("* * * 0 *", "Month field: 0 is not between 1 and 12"),
    ("* * * 13 *", "Month field: 13 is not"),
    ("* * * * 8", "Day of week field: 8 is not between 0 and 7"),
    ("*/0 * * * *", "Minute field: a step cannot be 0"),
    ("* 22-2 * * *", "Hour field: 22-2 runs backwards: write 22-23,0-2"),
    ("* * * * fri-mon", "Day of week field: fri-mon runs backwards: write 5-6,0-1"),
    ("* * * * 7-3", "write 0-3"),
    ("R R * * *", "Minute field: R "),
    ("* H(0-5) * * *", "Hour field: H "),
    ("* * ? * *", r"Day of month field: \? is not supported"),
    ("* * 15W * *", "Day of month field: W "),
    ("* * LW * *", "Day of month field: L "),
    ("* * L-3 * *", "Day of month field: L "),
    ("* * * * L5", "Day of week field: L "),
    ("* * * * 5L", "Day of week field: L "),
    ("L * * * *", "Minute field: L "),
    ("mon * * * *", 'Minute field: "mon" is not'),
    ("* * * mon *", 'Month field: "mon" is not'),
    ("* * * * mar", 'Day of week field: "mar" is not'),
    ("* * * * monday", 'Day of week field: "monday" is not'),
    ("* * * * lun", 'Day of week field: "lun" is not'),
    ("+5 * * * *", "Minute field"),
    ("-5 * * * *", "Minute field"),
    ("1_0 * * * *", "Minute field"),
    ("1-5-9 * * * *", "Minute field"),
    ("*-5 * * * *", "Minute field"),
    ("*/1.5 * * * *", "Minute field"),
    ("1,,2 * * * *", "Minute field: a value is missing"),
    ("* * 15, * *", "Day of month field: a value is missing"),
    ("* * * * 1-5;rm", "Day of week field"),
    ("٣ * * * *", "plain ASCII"),
    ("５ * * * *", "plain ASCII"),
    ("0\u00a00 * * *", "plain ASCII"),
    ("* * * * *\x00", "plain ASCII"),
    ("* * * * *\n", "plain ASCII"),
    ("\x1b[31m* * * * *", "plain ASCII"),
    ("@reboot", "@reboot is not a time"),
    ("@fortnightly", "shorthands are @hourly, @daily"),
    ("0 0 1 * 5#3", r"needs \* in the day of month"),
    ("0 0 * * 5#6", "#6 is not between #1 and #5"),
    ("0 0 * * 9#1", "9 is not between 0 and 7"),
    ("0 0 * * 1,5#3", '"1" is not a day such as 5#3'),
    ("0 0 * * 1-5#2", "is not a day such as 5#3"),
    ("0 0 5#3 * *", "only in the day of week"),
    ("0 0 fri#6 * *", "Day of month field: #6 is not between #1 and #5"),
    ("0 0 foo#1 * *", 'Day of week field: "foo" is not'),
    ("0 0 *,mon#1 * fri#1", "one of the two day fields"),
    ("0 0 mon#1 * fri#1", r"needs \* in the day of month"),
]


@pytest.mark.parametrize(("text", "normalised"), ACCEPTED)
def test_an_accepted_expression_is_normalised(text: str, normalised: str) -> None:
    assert parse_cron(text, "UTC", now=NOW).expression == normalised


@pytest.mark.parametrize(("text", "normalised"), ACCEPTED)
def test_a_normalised_expression_stays_as_it_is(text: str, normalised: str) -> None:
    assert parse_cron(normalised, "UTC", now=NOW).expression == normalised


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_a_refusal_names_the_field_and_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason) as refusal:
        parse_cron(text, "UTC", now=NOW)
    assert refusal.value.field == "expression"
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("value", [None, 5, ["* * * * *"], b"* * * * *"])
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(ScheduleError):
        parse_cron(value, "UTC", now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *", "0 0 30,31 2 */2", "0 0 * 2 1#5"]
)
def test_an_expression_that_never_fires_is_refused(text: str) -> None:
    with pytest.raises(NeverFires, match="never fires") as refusal:
        parse_cron(text, "Europe/Berlin", now=datetime(2026, 3, 1, tzinfo=UTC))
    assert refusal.value.field == "expression"


def test_a_date_further_than_five_years_away_counts_as_never() -> None:
    with pytest.raises(NeverFires):
        parse_cron("0 0 29 2 1", "UTC", "both", now=NOW)  # 29 February is a Monday in 2044
    assert parse_cron("0 0 29 2 1", "UTC", "either", now=NOW)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0", {0}),
        ("7", {0}),
        ("0-7", {0, 1, 2, 3, 4, 5, 6}),
        ("5-7", {5, 6, 0}),
        ("6-7", {6, 0}),
        ("7-7", {0}),
        ("sun", {0}),
        ("sun-tue", {0, 1, 2}),
        ("3-wed", {3}),
        ("1-7/2", {1, 3, 5, 0}),
        ("*/2", {0, 2, 4, 6}),
        ("*/7", {0}),
    ],
)
def test_sunday_is_both_0_and_7(text: str, values: set[int]) -> None:
    weekdays = parse(f"0 0 * * {text}").days.weekdays
    assert weekdays == ("*" if len(values) == 7 else ",".join(map(str, sorted(values))))


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("5-5", [5]),
        ("*/20", [0, 20, 40]),
        ("*/90", [0]),
        ("10-30/10", [10, 20, 30]),
        ("40/10", [40, 50]),
        ("59,0,0", [0, 59]),
        ("12-12/15", [12]),
        ("50-59/4,3", [3, 50, 54, 58]),
        ("58,*/30", [0, 30, 58]),
    ],
)
def test_minutes_are_read_as_cron_reads_them(text: str, minutes: list[int]) -> None:
    assert [seconds // 60 for seconds in parse(f"{text} 0 * * *").seconds] == minutes


@pytest.mark.parametrize(
    ("text", "wildcard"),
    [
        ("* 1 * * *", True),
        ("*/5 1 * * *", True),
        ("0 */2 * * *", True),
        ("5 *,3 * * *", True),
        ("0-59 0-23 * * *", False),
        ("5,*/9 1 * * *", False),
        ("30 2 * * *", False),
    ],
)
def test_only_a_leading_star_in_minute_or_hour_makes_a_wildcard_job(text: str, wildcard: bool) -> None:
    assert parse(text).wildcard is wildcard


def test_the_package_needs_neither_django_nor_a_database() -> None:
    code = "import sys, jobs.schedule; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
