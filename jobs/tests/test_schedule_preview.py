"""Previews list the next slots and say what a clock change does to them; words say what a schedule means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.schedule import Cron, Interval, Once, Schedule
from jobs.schedule.cron import DayRule
from jobs.schedule_text import Occurrence, in_words, preview

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def notes(expression: str, timezone: str, after: str, count: int) -> dict[str, str]:
    found = preview(Cron(expression, timezone), utc(after), count)
    return {f"{occurrence.at:%dT%H:%M}": occurrence.note for occurrence in found if occurrence.note}


def test_a_skipped_time_is_explained() -> None:
    assert preview(Cron("30 2 * * *", "Europe/Berlin"), utc("2026-03-28T12:00"), 2) == [
        Occurrence(utc("2026-03-29T01:00"), "02:30 does not exist on 29 Mar: runs at 03:00"),
        Occurrence(utc("2026-03-30T00:30"), ""),
    ]


def test_a_repeated_time_is_explained() -> None:
    assert preview(Cron("30 2 * * *", "Europe/Berlin"), utc("2026-10-24T12:00"), 2) == [
        Occurrence(utc("2026-10-25T00:30"), "02:30 happens twice on 25 Oct: runs at the first"),
        Occurrence(utc("2026-10-26T01:30"), ""),
    ]


def test_a_wildcard_job_in_a_repeated_hour_says_that_it_runs_both_times() -> None:
    assert notes("30 * * * *", "Europe/Berlin", "2026-10-24T22:00", 5) == {
        "25T00:30": "02:30 happens twice on 25 Oct: runs both times",
        "25T01:30": "02:30 happens twice on 25 Oct: runs both times",
    }


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        ("*/30 * * * *", "Europe/Berlin", "2026-03-28T22:00", {}),
        ("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00", {}),
        (
            "15,45 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00",
            {"29T01:00": "02:15 does not exist on 29 Mar: runs at 03:00"},
        ),
        (
            "30 0 * * 0",
            "America/Santiago",
            "2026-09-05T12:00",
            {"06T04:00": "00:30 does not exist on 6 Sep: runs at 01:00"},
        ),
        (
            "30 23 * * 6",
            "America/Nuuk",
            "2026-03-28T12:00",
            {"29T01:00": "23:30 does not exist on 28 Mar: runs at 00:00"},
        ),
        (
            "10 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00",
            {"03T15:30": "02:10 does not exist on 4 Oct: runs at 02:30"},
        ),
    ],
)
def test_only_a_change_is_noted(expression: str, timezone: str, after: str, expected: dict[str, str]) -> None:
    assert notes(expression, timezone, after, 3) == expected


@pytest.mark.parametrize(("count", "length"), [(-1, 0), (0, 0), (7, 7), (100, 100), (5000, 100)])
def test_a_preview_has_at_most_a_hundred_slots(count: int, length: int) -> None:
    assert len(preview(Cron("* * * * *", "Asia/Tokyo"), NOW, count)) == length


def test_a_preview_ends_with_the_schedule() -> None:
    assert preview(Once(NOW), NOW - timedelta(days=1), 5) == [Occurrence(NOW)]
    assert len(preview(Interval(timedelta(hours=1), NOW, end=NOW + timedelta(hours=2)), NOW, 5)) == 2
    assert preview(Cron("0 0 31 2 *", "UTC"), NOW, 5) == []


WORDS: list[tuple[str, DayRule, str]] = [
    ("*/15 * * * *", "either", "Every 15 minutes"),
    ("30 2 * * *", "either", "At 02:30"),
    ("0 9 * * mon-fri", "either", "At 09:00, Monday through Friday"),
    ("0 0 L * *", "either", "At 00:00, on the last day of the month"),
    ("0 9 * * fri#3", "either", "At 09:00, on the third Friday of the month"),
    ("0 0 13 * 5", "either", "At 00:00, on day 13 of the month or on Friday"),
    ("0 0 13 * 5", "both", "At 00:00, on day 13 of the month, only on Friday"),
    ("0 0 13 2 1-5", "either", "At 00:00, on day 13 of the month or Monday through Friday, only in February"),
    ("0 0 1-31 * 1", "either", "At 00:00"),
    ("0 0 5-5 * 0", "either", "At 00:00, on day 5 of the month or on Sunday"),
    ("*/45 * * * *", "either", "At 0 and 45 minutes past the hour"),
    ("*/90 * * * *", "either", "Every hour"),
    ("0 */9 * * *", "either", "At 00:00, 09:00 and 18:00"),
    ("0 9-11 * * *", "either", "At 09:00, 10:00 and 11:00"),
    ("0 9 fri#3 * *", "both", "At 09:00, on the third Friday of the month"),
    ("0 0 15,L * *", "either", "0 0 15,L * *"),
    ("0 9 fri#L * *", "both", "On the last Friday of the month, at 09:00"),
    ("0 9 * * 1#1,5#3", "either", "0 9 * * 1#1,5#3"),
]


@pytest.mark.parametrize(("expression", "day_rule", "words"), WORDS)
def test_a_cron_schedule_in_words(expression: str, day_rule: DayRule, words: str) -> None:
    assert in_words(Cron(expression, "Asia/Tokyo", day_rule)) == f"{words} (Asia/Tokyo)"


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Interval(timedelta(minutes=15), NOW), "Every 15 minutes"),
        (Interval(timedelta(hours=1), NOW), "Every hour"),
        (Interval(timedelta(minutes=90), NOW), "Every 1 hour 30 minutes"),
        (Interval(timedelta(days=14), NOW), "Every 2 weeks"),
        (Interval(timedelta(seconds=1.5), NOW), "Every 1.5 seconds"),
        (Once(NOW), "Once, at 2026-01-01 09:00 (Asia/Tokyo)"),
        (Once(NOW + timedelta(seconds=30)), "Once, at 2026-01-01 09:00:30 (Asia/Tokyo)"),
    ],
)
def test_other_schedules_in_words(schedule: Schedule, words: str) -> None:
    assert in_words(schedule, "Asia/Tokyo") == words
