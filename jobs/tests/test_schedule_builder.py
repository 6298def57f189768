"""The schedule builder: what it can say becomes an expression, and is read back from one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from jobs.models import Job
from jobs.schedule import cron
from jobs.schedule.builder import HOUR_STEPS, LAST, MINUTE_STEPS, POSITIONS, Plan, read, written
from jobs.tests.pages import browser, entries

minute, hour = st.integers(0, 59), st.integers(0, 23)
weekday = st.integers(0, 6)
plans = st.one_of(
    st.builds(Plan, st.just("minutes"), step=st.sampled_from(MINUTE_STEPS)),
    st.builds(Plan, st.just("hours"), minute=minute, step=st.sampled_from(HOUR_STEPS)),
    st.builds(Plan, st.just("daily"), minute, hour),
    st.builds(
        Plan,
        st.just("weekly"),
        minute,
        hour,
        weekdays=st.sets(weekday, min_size=1, max_size=6).map(lambda days: tuple(sorted(days))),
    ),
    st.builds(Plan, st.just("monthly"), minute, hour, day=st.sampled_from([*map(str, range(1, 32)), LAST])),
    st.builds(Plan, st.just("position"), minute, hour, position=st.sampled_from(POSITIONS), weekday=weekday),
)


@given(plans)
def test_every_plan_is_an_expression_that_is_read_back_as_the_same_plan(plan: Plan) -> None:
    expression = written(plan)
    cron.parse(expression)
    assert read(expression) == plan


@pytest.mark.parametrize(
    ("expression", "better"),
    [
        ("30 8 * * 1-5", "30 8 * * mon-fri"),
        ("0 9 * * 5#3", "0 9 fri#3 * *"),
        ("5 4 * * 6,0", "5 4 * * sat,sun"),
        ("@daily", "0 0 * * *"),
        ("5 4 * * sun-sat", "5 4 * * *"),
    ],
)
def test_an_expression_of_the_same_meaning_is_read_too(expression: str, better: str) -> None:
    plan = read(expression)
    assert plan is not None
    assert written(plan) == better


@pytest.mark.parametrize(
    "expression",
    ["0 0 1 1 *", "*/7 * * * *", "0 0 32 * *", "61 1 * * *", "0 8 1 * mon", "0,30 8 * * *", "x", ""],
)
def test_what_it_cannot_say_is_left_to_the_hand(expression: str) -> None:
    assert read(expression) is None


@pytest.mark.django_db
def test_the_builder_writes_the_field_of_the_expression(uma: User) -> None:
    answer = browser(uma).get(
        "/jobs/builder",
        {"build-rhythm": "weekly", "build-weekdays": ["1", "2", "3", "4", "5"], "build-time": "08:30"},
    )
    assert 'value="30 8 * * mon-fri"' in answer.content.decode()
    assert answer.headers["HX-Trigger-After-Settle"] == "rebuilt"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"build-rhythm": "nonsense"},
        {"build-rhythm": "weekly", "build-time": "08:30"},
        {"build-rhythm": "daily", "build-time": "25:00"},
        {"build-rhythm": "hours", "build-hours": "5", "build-minute": "0"},
    ],
)
def test_half_a_plan_changes_nothing(uma: User, sent: dict[str, str]) -> None:
    assert browser(uma).get("/jobs/builder", sent).status_code == 204


@pytest.mark.django_db
def test_an_expression_by_hand_is_shown_in_the_builder(uma: User) -> None:
    page = browser(uma).get("/jobs/builder", {"expression": "0 17 fri#L * *"}).content.decode()
    assert '<option value="position" selected>' in page
    assert '<option value="last" selected>' in page
    page = browser(uma).get("/jobs/builder", {"expression": "<script>"}).content.decode()
    assert '<option value="" selected>' in page
    assert "<script>" not in page


@pytest.mark.django_db
def test_without_javascript_its_button_writes_the_expression_and_saves_nothing(uma: User) -> None:
    built = {"build": "1", "build-rhythm": "monthly", "build-day": "last", "build-time": "23:00"}
    page = browser(uma).post("/jobs/new", entries(**built)).content.decode()
    assert 'value="0 23 L * *"' in page
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_fields_of_the_builder_are_not_looked_at_when_a_job_is_saved(
    uma: User, django_assert_max_num_queries: Callable[..., object]
) -> None:
    browser(uma).post("/jobs/new", entries(**{"build-rhythm": "weekly", "build-time": "nonsense"}))
    assert Job.objects.get().timing.expression == "30 2 * * *"
