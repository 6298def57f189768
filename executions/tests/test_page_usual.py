"""The page of a job says what is usual for it."""

from __future__ import annotations

import pytest

from accounts.models import User
from executions.models import Execution, State
from executions.pages import charts
from executions.tests.conftest import Ledger
from executions.tests.test_unusual import Course
from jobs.tests.factories import moment
from jobs.tests.pages import browser


@pytest.fixture
def course(ledger: Ledger) -> Course:
    return Course(ledger)


def page(course: Course, user: User) -> str:
    return " ".join(browser(user).get(f"/jobs/{course.job.uid}").content.decode().split())


def test_the_range_and_the_median_of_the_last_good_runs(course: Course, vic: User) -> None:
    course.past(10, count=12)
    shown = page(course, vic)
    assert "3.33 s to 20 s" in shown
    assert "median 10 s of 12 runs" in shown
    assert "up to 157.3 MB" in shown
    assert shown.count("Alerts on") == 2


def test_while_it_learns_it_says_how_far_it_is(course: Course, vic: User) -> None:
    assert "learning, 0 of 10" in page(course, vic)
    course.past(count=4)
    course.past(count=3, state=State.FAILED)
    assert "learning, 4 of 10" in page(course, vic)


def test_figures_are_shown_though_nobody_is_told(ledger: Ledger, vic: User) -> None:
    course = Course(ledger, baseline_duration=False, baseline_memory=False)
    assert "<h2>Usual range</h2>" not in page(course, vic)
    course.past(count=12, peak_memory=None)
    shown = page(course, vic)
    assert "Alerts off" in shown
    assert "Alerts on" not in shown
    assert "Peak memory" not in shown


def test_the_drawing_of_the_last_runs_has_a_band_of_what_is_usual(course: Course, vic: User) -> None:
    course.past(10, count=9)
    assert 'class="band"' not in page(course, vic)
    course.past(10, count=3)
    shown = page(course, vic)
    assert shown.count('class="band"') == 2
    assert "usual: 3.33 s to 20 s" in shown


def test_a_band_that_would_leave_no_room_to_the_columns_is_cut_off() -> None:
    run = Execution(duration=0.02, due_at=moment("2026-03-01 10:00"))
    plot = charts.of_runs([run, run], lambda one: one.duration, str, (0.0, 0.52))
    assert plot.band == charts.Band(charts.TOP, charts.BOTTOM - charts.TOP)
    assert plot.columns[0].height > 50
    wide = charts.of_runs([run], lambda one: one.duration, str, (0.01, 0.04)).band
    assert wide is not None
    assert charts.TOP <= wide.y < wide.y + wide.height < charts.BOTTOM
