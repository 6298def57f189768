"""The live preview of a schedule."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from accounts.models import Category, User
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def preview(user: User, **query: str) -> str:
    response = browser(user).get("/jobs/preview", query)
    assert response.status_code == 200
    return response.content.decode()


def test_it_says_the_schedule_in_words_with_ten_runs(vic: User) -> None:
    shown = preview(vic, schedule_kind="cron", expression="30 2 * * *", timezone="Europe/Berlin")
    assert "At 02:30 (Europe/Berlin)" in shown
    assert shown.count("<li>") == 10


def test_it_says_where_the_clock_changes(vic: User) -> None:
    with time_machine.travel(dt.datetime(2026, 3, 27, tzinfo=dt.UTC), tick=False):
        shown = preview(vic, schedule_kind="cron", expression="30 2 * * *", timezone="Europe/Berlin")
    assert "02:30 does not exist on 29 Mar: runs at 03:00" in shown


@pytest.mark.parametrize(
    "query",
    [
        {"schedule_kind": "cron", "expression": "61 * * * *"},
        {"schedule_kind": "cron", "expression": "0 0 31 2 *"},
        {"schedule_kind": "cron", "expression": "* * * * *", "timezone": "No/Where"},
        {"schedule_kind": "cron", "expression": "\0"},
        {"schedule_kind": "cron", "expression": "*" * 5000},
        {"schedule_kind": "interval", "every": "-1"},
        {"schedule_kind": "interval", "every": "9" * 5000},
        {"schedule_kind": "once", "at": "yesterday"},
        {"schedule_kind": "once", "at": "0001-01-01T00:00"},
        {"schedule_kind": "sometimes"},
        {},
    ],
)
def test_it_says_what_is_wrong(vic: User, query: dict[str, str]) -> None:
    assert 'class="error"' in preview(vic, **query)


def test_an_interval_keeps_the_grid_of_its_job(uma: User) -> None:
    with time_machine.travel(dt.datetime(2026, 5, 1, 10, 7, tzinfo=dt.UTC), tick=False):
        job = make_job(uma, schedule_kind="interval", every=10, period="minutes")
    with time_machine.travel(dt.datetime(2026, 5, 1, 11, 0, tzinfo=dt.UTC), tick=False):
        shown = preview(uma, schedule_kind="interval", every="10", period="minutes", job=str(job.uid))
    assert "2026-05-01T11:07:00Z" in shown


def test_no_schedule_is_said_to_be_none(vic: User) -> None:
    assert "only when started manually" in preview(vic, schedule_kind="none")


def test_it_tells_nothing_of_jobs_that_the_user_may_not_see(uma: User) -> None:
    job = make_job()
    uma.category = Category.objects.create(name="Elsewhere")
    uma.save()
    assert browser(uma).get("/jobs/preview", {"job": str(job.uid)}).status_code == 404
    assert browser(uma).get("/jobs/preview", {"job": "x"}).status_code == 404
