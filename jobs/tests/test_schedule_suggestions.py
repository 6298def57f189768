"""Who writes no cron expression is told what was perhaps meant; nothing is taken by itself."""

from __future__ import annotations

import pytest

from accounts.models import User
from jobs.models import Job
from jobs.schedule.suggestions import suggestion
from jobs.tests.pages import browser, entries


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("every monday at 8:30", "30 8 * * mon"),
        ("Every 15 minutes", "*/15 * * * *"),
        ("hourly", "0 * * * *"),
        ("every hour at :20", "20 * * * *"),
        ("every 2 hours", "0 */2 * * *"),
        ("every weekday at 8am", "0 8 * * mon-fri"),
        ("mondays and thursdays at 17:05", "5 17 * * mon,thu"),
        ("weekends at 10", "0 10 * * sat,sun"),
        ("daily at noon", "0 12 * * *"),
        ("last friday of the month at 6 pm", "0 18 fri#L * *"),
        ("first monday at midnight", "0 0 mon#1 * *"),
        ("on the 15th at 4:00", "0 4 15 * *"),
        ("last day of the month at 23:59", "59 23 L * *"),
        ("0 3 * * fir", "0 3 * * fri"),
        ("0 3 * * friday", "0 3 * * fri"),
        ("0 0 1 sept *", "0 0 1 sep *"),
        ("12 am every day", ""),
    ],
)
def test_what_was_meant(text: str, meant: str) -> None:
    assert suggestion(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "30 2 * * mon-fri",  # fine as it is
        "every 7 minutes",  # cron cannot say it evenly
        "at 25:00",
        "every tuesday at 13pm",
        "on day 32 at 1:00",
        "whenever",
        "* * * *",
        "",
        "every " * 100,
    ],
)
def test_nothing_is_made_up(text: str) -> None:
    assert suggestion(text) == ""


@pytest.mark.django_db
def test_the_page_suggests_and_takes_it_only_when_asked(uma: User) -> None:
    page = browser(uma).post("/jobs/new", entries(expression="every monday at 8:30")).content.decode()
    assert 'name="suggested" value="30 8 * * mon"' in page
    assert 'value="every monday at 8:30"' in page
    assert not Job.objects.exists()
    page = (
        browser(uma)
        .post("/jobs/new", entries(expression="every monday at 8:30", suggested="30 8 * * mon"))
        .content.decode()
    )
    assert 'value="30 8 * * mon"' in page
    assert not Job.objects.exists()
