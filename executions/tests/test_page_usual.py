"""The page of a job says what is usual for it."""

from __future__ import annotations

import pytest

from accounts.models import User
from executions.models import State
from executions.tests.conftest import Ledger
from executions.tests.test_unusual import Course
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
    assert shown.count("Alert when it is not") == 2


def test_while_it_learns_it_says_how_far_it_is(course: Course, vic: User) -> None:
    assert "learning, 0 of 10" in page(course, vic)
    course.past(count=4)
    course.past(count=3, state=State.FAILED)
    assert "learning, 4 of 10" in page(course, vic)


def test_figures_are_shown_though_nobody_is_told(ledger: Ledger, vic: User) -> None:
    course = Course(ledger, baseline_duration=False, baseline_memory=False)
    assert "<h2>Usual</h2>" not in page(course, vic)
    course.past(count=12, peak_memory=None)
    shown = page(course, vic)
    assert "No alert" in shown
    assert "Alert when it is not" not in shown
    assert "Peak memory" not in shown
