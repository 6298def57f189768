"""The registry's job class, run as a worker runs it: in a process of its own, which calls the API."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import time_machine
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from jobs.classes.catalog import meta_infos
from jobs.runners import Outcome
from jobs.tests.running import Answer, Receiver, run_class
from themes import semesters
from themes.jobs import CopyCourseEntries
from themes.models import CourseEntry, SubTheme

from .registry import make_entry, make_setting, make_sub_theme, make_theme

pytest_plugins = ["jobs.tests.webhooks"]
PATH = "themes.jobs.CopyCourseEntries"
# In the second term of the school year 113.
DUE = dt.datetime(2025, 2, 20, 1, tzinfo=dt.UTC)


@pytest.fixture
def sub_themes(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> list[SubTheme]:
    monkeypatch.setenv("THEMES_URL", live_server.url)
    theme = make_theme()
    found = [make_sub_theme(theme, code) for code in ("01", "02")]
    make_setting("1132", theme)
    found.append(make_sub_theme(theme, "03"))
    for course in ("CS101", "CS102"):
        for one in found:
            make_entry(course, "1131", one)
    make_entry("CS103", "1132", found[0], indicator_value="old")
    return found


def run(*args: Any, **more: Any) -> tuple[Outcome, str]:
    return run_class(PATH, *args, slot=DUE, job_name="Term begins", **more)


def test_it_is_among_the_classes_that_pages_offer(settings: Settings) -> None:
    assert "themes.jobs" in settings.JOB_CLASS_PACKAGES
    assert PATH in {info["job_class_string"] for info in meta_infos(settings.JOB_CLASS_PACKAGES)}
    assert len(json.loads(str(CopyCourseEntries.example_arguments))) == len(CopyCourseEntries.arguments)


def test_it_copies_all_courses_into_the_semester_of_its_run(sub_themes: list[SubTheme]) -> None:
    outcome, log = run()
    assert (outcome.state, outcome.message) == ("success", ""), log
    counts = {"courses": 2, "copied": 4, "skipped": 2, "deleted": 0}
    assert json.loads(outcome.result or "") == {"source": "1131", "target": "1132"} | counts
    assert "CS102: 成功複製 2 筆課程記錄到學年期 1132" in log
    copies = CourseEntry.objects.filter(school_year_semester="1132").exclude(course_id="CS103")
    assert {one.created_by for one in copies} == {"Term begins"}
    assert CourseEntry.objects.get(course_id="CS103").indicator_value == "old"
    again, _log = run()
    assert json.loads(again.result or "")["deleted"] == 4


def test_it_copies_what_its_arguments_name_and_fails_when_a_course_is_refused(
    sub_themes: list[SubTheme],
) -> None:
    outcome, log = run("1131", "1132", ["CS102", "NONE"])
    assert outcome.state == "failed"
    assert outcome.message.startswith("RuntimeError: 1 of 2 courses were not copied; NONE: 404 ")
    assert "CS102: " in log
    copied = CourseEntry.objects.filter(school_year_semester="1132").exclude(course_id="CS103")
    assert {one.course_id for one in copied} == {"CS102"}


def test_with_another_salt_it_fails_and_says_why(sub_themes: list[SubTheme], settings: Settings) -> None:
    settings.OPERATOR_TOKEN_SALT = "another"
    outcome, _log = run()
    assert (outcome.state, "OPERATOR_TOKEN_SALT" in outcome.message) == ("failed", True)
    assert CourseEntry.objects.filter(school_year_semester="1132").count() == 1


def test_a_redirect_is_not_followed(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEMES_URL", receiver.url(""))
    for path in ("/school-years/1131/courses", "/elsewhere"):
        receiver.answers[path] = Answer(301, headers={"Location": receiver.url("/elsewhere")})
    outcome, _log = run()
    assert (outcome.state, "301 from" in outcome.message) == ("failed", True)
    assert [one.path for one in receiver.received] == ["/school-years/1131/courses"]


@pytest.mark.parametrize("algorithm", ["md5", "hmac-sha256"])
def test_with_a_salt_that_is_passed_on_it_works(
    sub_themes: list[SubTheme], settings: Settings, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    settings.OPERATOR_TOKEN_SALT, settings.OPERATOR_TOKEN_ALGORITHM = "another", algorithm
    settings.JOB_CLASS_ENV = [*settings.JOB_CLASS_ENV, "OPERATOR_TOKEN_SALT", "OPERATOR_TOKEN_ALGORITHM"]
    monkeypatch.setenv("OPERATOR_TOKEN_SALT", "another")
    monkeypatch.setenv("OPERATOR_TOKEN_ALGORITHM", algorithm)
    outcome, log = run()
    assert outcome.state == "success", log


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_it_need_not_know_the_zone_of_the_server(
    sub_themes: list[SubTheme], settings: Settings, zone: str
) -> None:
    settings.SCHEDULER_TIMEZONE = zone
    assert run()[0].state == "success"


@pytest.mark.parametrize(
    ("day", "semester", "before"),
    [
        ("2025-02-01", "1132", "1131"),
        ("2025-07-31", "1132", "1131"),
        ("2025-08-01", "1141", "1132"),
        ("2025-12-31", "1141", "1132"),
        ("2026-01-31", "1141", "1132"),
        ("2010-09-01", "0991", "0982"),
    ],
)
def test_semesters_are_those_of_the_school_year(day: str, semester: str, before: str) -> None:
    found = semesters.of(dt.date.fromisoformat(day))
    assert (found, semesters.before(found)) == (semester, before)
    assert semesters.is_semester(found)


def test_a_run_by_hand_is_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    from themes import jobs

    monkeypatch.delenv("BELFRY_SLOT", raising=False)
    with time_machine.travel("2025-01-31T16:00:00+00:00", tick=False):
        assert semesters.of(jobs._day_of_the_run()) == "1132"
