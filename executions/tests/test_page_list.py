"""The list of executions."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Category, User
from executions.ledger import launch
from executions.models import Execution, State, Trigger
from executions.pages import page_filters
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def make_run(job: Job, **values: Any) -> Execution:
    """A row of the ledger as it might have become."""
    now = timezone.now()
    run = launch.row(job, now, now, Trigger.SCHEDULED)
    for name, value in values.items():
        setattr(run, name, value)
    run.save()
    return run


def listed(user: User, query: str = "") -> list[uuid.UUID]:
    return [uuid.UUID(row.uid) for row in browser(user).get(f"/executions{query}").context["rows"]]


def test_an_empty_ledger_says_what_will_be_there(vic: User) -> None:
    assert "No runs yet" in browser(vic).get("/executions").content.decode()
    assert "No runs match the filters" in browser(vic).get("/executions?state=bad").content.decode()


def test_it_filters_by_state_group_job_trigger_and_kind(vic: User) -> None:
    first, second = make_job(name="first"), make_job(name="second")
    lost = make_run(first, state=State.LOST)
    done = make_run(second, state=State.SUCCESS, trigger=Trigger.MANUAL)
    assert listed(vic, "?state=bad") == [lost.uid]
    assert listed(vic, "?state=ended") == [done.uid, lost.uid]
    assert listed(vic, "?state=open") == []
    assert listed(vic, "?state=success") == [done.uid]
    assert listed(vic, f"?job={first.uid}") == [lost.uid]
    assert listed(vic, "?q=SECO") == [done.uid]
    assert listed(vic, "?trigger=manual") == [done.uid]
    assert listed(vic, "?kind=script") == []


def test_dates_are_meant_in_the_schedulers_zone_and_inclusive(vic: User) -> None:
    job = make_job()
    night = make_run(job, due_at=moment("2026-05-01 15:30"))  # 00:30 on 2 May in Tokyo
    assert listed(vic, "?start=2026-05-02&end=2026-05-02") == [night.uid]
    assert listed(vic, "?end=2026-05-01") == []


def test_history_outlives_its_job(vic: User) -> None:
    job = make_job(name="gone")
    run = make_run(job, state=State.SUCCESS)
    job.delete()
    assert listed(vic, "?q=gone") == [run.uid]
    assert listed(vic, f"?job={run.job_uid}") == [run.uid]


def test_other_categories_are_left_out(vic: User) -> None:
    make_run(make_job())
    vic.category = Category.objects.create(name="Elsewhere")
    vic.save()
    assert listed(vic) == []


def test_pages_lead_through_the_whole_ledger_and_back(db: None) -> None:
    job = make_job()
    same = moment("2026-05-01 10:00")
    for number in range(7):
        make_run(job, due_at=same + dt.timedelta(minutes=number // 3))
    rows = Execution.objects.all()
    everything = list(rows.order_by("-due_at", "-id"))
    first = page_filters.page_of(rows, size=3)
    second = page_filters.page_of(rows, before=first.older, size=3)
    third = page_filters.page_of(rows, before=second.older, size=3)
    assert first.rows + second.rows + third.rows == everything
    assert (first.newer, third.older) == ("", "")
    assert page_filters.page_of(rows, after=third.newer, size=3).rows == second.rows
    assert page_filters.page_of(rows, after=second.newer, size=3).newer == ""


def test_the_list_takes_as_many_queries_for_fifty_runs_as_for_one_and_counts_none(vic: User) -> None:
    job, client = make_job(), browser(vic)

    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/executions").status_code == 200
        return [query["sql"] for query in queries]

    make_run(job)
    statements()  # the first request of a session writes it down
    few = statements()
    for _ in range(60):
        make_run(job)
    many = statements()
    assert len(many) == len(few)
    assert not any("COUNT(" in sql and "executions_execution" in sql for sql in many)


@pytest.mark.parametrize("place", ["x", "1", "-1", "1-", "9" * 40 + "-1", "%00", "١-١"])
def test_a_place_that_is_none_is_not_found(vic: User, place: str) -> None:
    assert browser(vic).get(f"/executions?before={place}").status_code == 404
    assert browser(vic).get(f"/executions?after={place}").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "job=x",
        "job=%00",
        "state=nice",
        "start=0001-01-01",
        "end=9999-12-31",
        "start=x",
        "page=" + "9" * 99,
        "before=99999999999999999-999999999999999999",
        "q=%ff%fe",
    ],
)
def test_absurd_filters_are_no_error_of_ours(vic: User, query: str) -> None:
    assert browser(vic).get(f"/executions?{query}").status_code == 200


def test_dates_are_meant_in_the_zone_in_which_rows_are_shown_and_the_page_says_which(
    vic: User, settings: Settings
) -> None:
    settings.SCHEDULER_TIMEZONE = "Asia/Tokyo"
    job = make_job(vic, timezone="America/New_York")
    # 22:00 on 28 February in New York, noon on 1 March in Tokyo.
    run = make_run(job, due_at=moment("2026-03-01 03:00"))
    for query, zone, shown, day, other in (
        ("", "Asia/Tokyo", "Sun 2026-03-01 12:00", "2026-03-01", "2026-02-28"),
        (f"&job={job.uid}", "America/New_York", "Sat 2026-02-28 22:00", "2026-02-28", "2026-03-01"),
    ):
        page = browser(vic).get(f"/executions?start={day}&end={day}{query}").content.decode()
        assert shown in page
        assert f"Times are in {zone}." in page
        assert listed(vic, f"?start={day}&end={day}{query}") == [run.uid]
        assert listed(vic, f"?start={other}&end={other}{query}") == []


def test_times_narrow_to_the_minute_and_an_offset_means_the_same_everywhere(vic: User) -> None:
    job = make_job()
    runs = [make_run(job, due_at=moment(f"2026-05-01 10:{minute}")).uid for minute in (14, 15, 29, 30)]
    client = browser(vic)
    client.cookies["zone"] = "Asia/Dubai"
    for query in (
        "start=2026-05-01T14:15&end=2026-05-01T14:30",
        "start=2026-05-01T10:15Z&end=2026-05-01T12:30%2B02:00",
        "start=2026-05-01T10:15:00.000Z&end=2026-05-01T12:30:00+02:00",  # as of the API; a + that is not escaped
    ):
        page = client.get(f"/executions?{query}")
        assert [uuid.UUID(row.uid) for row in page.context["rows"]] == [runs[2], runs[1]]
        assert 'value="2026-05-01T14:15"' in page.content.decode()


@pytest.mark.parametrize(
    ("now", "begin", "end"),
    [
        ("2026-05-02 12:00", "2026-05-01 18:00", "2026-05-02 08:00"),
        ("2026-05-02 06:00", "2026-05-01 18:00", "2026-05-02 06:00"),
        ("2026-05-02 19:00", "2026-05-02 18:00", "2026-05-02 19:00"),
    ],
)
def test_the_last_night_is_over_in_the_morning_or_goes_on(now: str, begin: str, end: str) -> None:
    found = page_filters.preset("night", moment(now), ZoneInfo("UTC"))
    assert found == (moment(begin), moment(end))


def test_presets_count_from_now(vic: User) -> None:
    job, now = make_job(), timezone.now()
    near = make_run(job, due_at=now - dt.timedelta(minutes=59)).uid
    far = make_run(job, due_at=now - dt.timedelta(hours=23)).uid
    make_run(job, due_at=now - dt.timedelta(hours=25))
    assert listed(vic, "?last=hour") == [near]
    assert listed(vic, "?last=day") == [near, far]
