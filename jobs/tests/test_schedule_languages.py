"""A schedule in words of other languages: the phrases are the catalog's, the names of days and months Django's."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import translation

from accounts.models import User
from jobs.schedule import Cron, Interval, Once, Schedule
from jobs.schedule.cron import DayRule
from jobs.schedule_text import in_words, phrases, preview
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
WORDS: list[tuple[str, DayRule, str]] = [
    ("* * * * *", "either", "every minute"),
    ("*/15 * * * *", "either", "every 15 minutes"),
    ("*/45 * * * *", "either", "at minute 0, 45 of the hour"),
    ("30 2 * * *", "either", "every day, at 02:30"),
    ("30 * * * *", "either", "at minute 30 of the hour"),
    ("*/15 9-17 * * *", "either", "every 15 minutes, in hour 9-17"),
    ("0 9-11 * * *", "either", "every day, at 09:00, 10:00, 11:00"),
    ("0 9 * * mon-fri", "either", "on Monday, Tuesday, Wednesday, Thursday, Friday, at 09:00"),
    ("0 9 * * 0", "either", "on Sunday, at 09:00"),
    ("0 0 L * *", "either", "on the last day of the month, at 00:00"),
    ("0 9 * * fri#3", "either", "on Friday number 3 of the month, at 09:00"),
    ("0 0 13 * 5", "either", "on day 13 of the month, or on Friday, at 00:00"),
    ("0 0 13 * 5", "both", "on day 13 of the month, and only on Friday, at 00:00"),
    ("0 0 1-31 * 1", "either", "every day, at 00:00"),
    ("0 0 1-5,9 2,3 *", "either", "in February, March: on day 1-5, 9 of the month, at 00:00"),
    ("0 0 15,L * *", "either", "0 0 15,L * *"),
    ("0 9 * * 1#1,5#3", "either", "0 9 * * 1#1,5#3"),
]


@pytest.mark.parametrize(("expression", "day_rule", "words"), WORDS)
def test_the_phrases_say_what_the_fields_mean(expression: str, day_rule: DayRule, words: str) -> None:
    fields = expression.split(" ")
    with translation.override("en"):
        assert (phrases.cron(fields, day_rule) or expression) == words


@pytest.mark.parametrize("expression", [words[0] for words in WORDS])
def test_each_can_be_said_in_every_language(expression: str) -> None:
    for language in ("ja", "zh-hant", "zh-hans"):
        with translation.override(language):
            assert in_words(Cron(expression, "Asia/Tokyo")).endswith(" (Asia/Tokyo)")


def test_days_and_months_have_the_names_of_the_language() -> None:
    with translation.override("ja"):
        words = in_words(Cron("0 9 * 2 5", "UTC"))
    assert "金曜日" in words
    assert "2月" in words


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Interval(dt.timedelta(minutes=15), NOW), "every 15 minutes"),
        (Interval(dt.timedelta(minutes=90), NOW), "every 1 hour 30 minutes"),
        (Interval(dt.timedelta(days=14), NOW), "every 14 days"),
        (Interval(dt.timedelta(seconds=1.5), NOW), "every 1.5 seconds"),
        (Once(NOW), "once, at 2026-01-01 09:00 (Asia/Tokyo)"),
    ],
)
def test_other_schedules_are_translated_too(
    schedule: Schedule, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrases, "_", lambda text: text)
    monkeypatch.setattr(phrases, "ngettext", lambda one, many, count: one if count == 1 else many)
    with translation.override("ja"):
        assert in_words(schedule, "Asia/Tokyo") == words


@pytest.mark.django_db
def test_the_api_says_it_in_english_to_everybody(uma: User) -> None:
    job = make_job(uma, expression="0 9 * * fri")
    client = browser(uma)
    asked = {"Accept-Language": "ja"}
    shown = client.get(f"/api/v2/jobs/{job.uid}", headers=asked).json()["job"]["schedule"]["in_words"]
    assert shown.startswith("At 09:00, only on Friday")
    assert "金曜日" in client.get("/jobs", headers=asked).content.decode()


def test_a_clock_change_is_noted_in_the_language() -> None:
    schedule = Cron("30 2 * * *", "Europe/Berlin")
    with translation.override("ja"):
        (slot,) = preview(schedule, dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC), 1)
    assert "3月" in slot.note
