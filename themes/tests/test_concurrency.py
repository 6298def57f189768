"""Several write at once, as several web processes do: one consistent state remains, on every database."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpResponse

from themes.models import CourseEntry, SubTheme, Theme

from .registry import THEME, Operator, make_entry, make_setting, make_sub_theme, make_theme

COPY = {"source_school_year_semester": "1131", "target_school_year_semester": "1132", "course_id": "CS101"}

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], HttpResponse]) -> list[HttpResponse]:
    """The answers of all, each from a thread of its own that waits for the others."""
    start, answers = threading.Barrier(len(calls)), {}

    def call(number: int) -> None:
        try:
            start.wait(10)
            answers[number] = calls[number]()
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=[number]) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [answers[number] for number in range(len(calls))]


@pytest.fixture
def sub_themes() -> list[SubTheme]:
    found = []
    for code in ("A", "B", "C"):
        theme = make_theme(code)
        found += [make_sub_theme(theme, sub) for sub in ("01", "02")]
        for semester in ("1131", "1132"):
            make_setting(semester, theme)
    Operator().put("/school-year-sub-theme-settings/1132/B/02", enabled=False)
    for number, one in enumerate(found):
        make_entry("CS101", "1131", one, indicator_value=f"{number}")
    make_entry("CS101", "1132", found[0], indicator_value="old")
    return found


def state() -> list[tuple[str, str, str]]:
    found = CourseEntry.objects.filter(school_year_semester="1132").select_related("sub_theme__theme")
    return sorted((one.sub_theme.path, one.indicator_value, one.created_by) for one in found)


def test_copies_at_once_leave_the_state_of_one(sub_themes: list[SubTheme]) -> None:
    def copy(name: str) -> Callable[[], HttpResponse]:
        return lambda: Operator(name).post("/course-entries/copy", **COPY)

    names = [f"user{number}" for number in range(4)]
    answers = at_once(*map(copy, names))
    assert {answer.status_code for answer in answers} == {200}
    told = [json.loads(answer.content) for answer in answers]
    assert {(one["copied_count"], one["skipped_count"]) for one in told} == {(5, 1)}
    assert sorted(one["deleted_count"] for one in told) == [1, 5, 5, 5]
    left = state()
    values = [(path, value) for path, value, _name in left]
    assert values == [("A/01", "0"), ("A/02", "1"), ("B/01", "2"), ("C/01", "4"), ("C/02", "5")]
    assert len({name for _path, _value, name in left}) == 1


def test_a_copy_and_entries_at_once_leave_each_place_filled_once(sub_themes: list[SubTheme]) -> None:
    place = {"course_id": "CS101", "school_year_semester": "1132", "indicator_value": "new"}

    def store(theme: str, sub: str) -> Callable[[], HttpResponse]:
        where = {"theme_code": theme, "sub_theme_code": sub}
        return lambda: Operator().post("/course-entries/single", **place, **where)

    def copy() -> HttpResponse:
        return Operator().post("/course-entries/copy", **COPY)

    answers = at_once(copy, store("C", "02"), store("A", "01"), store("C", "02"), copy, store("A", "01"))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert [path for path, _value, _name in state()] == ["A/01", "A/02", "B/01", "C/01", "C/02"]


def test_copies_of_settings_at_once_leave_the_state_of_one(sub_themes: list[SubTheme]) -> None:
    copy = {"source_school_year_semester": "1131", "target_school_year_semester": "1132"}
    calls = [lambda: Operator().post("/school-years/copy-settings", **copy)] * 3
    assert {answer.status_code for answer in at_once(*calls)} == {200}
    figures = json.loads(Operator().get("/school-years/1132").content)["summary"]
    assert figures == {"total_themes": 3, "total_sub_themes": 6, "enabled_sub_themes": 6}


def test_of_several_who_take_one_code_one_gets_it(sub_themes: list[SubTheme]) -> None:
    calls: list[Callable[[], HttpResponse]] = [lambda: Operator().post("/themes/", **THEME)] * 3
    assert sorted(answer.status_code for answer in at_once(*calls)) == [201, 409, 409]
    assert Theme.objects.filter(theme_code="A101").count() == 1
    rename = [
        lambda: Operator().put("/themes/A101", theme_code="Z"),
        lambda: Operator().put("/themes/B", theme_code="Z"),
    ]
    assert sorted(answer.status_code for answer in at_once(*rename)) == [200, 409]


def test_of_several_most_relevant_entries_one_remains(sub_themes: list[SubTheme]) -> None:
    paths = [
        f"/course-entries/{one.uid}"
        for one in CourseEntry.objects.filter(sub_theme__theme__theme_code="A", school_year_semester="1131")
    ]
    calls = [
        lambda path=path: Operator().put(path, indicator_value="1", is_most_relevant=True) for path in paths
    ]
    assert sorted(answer.status_code for answer in at_once(*calls)) == [200, 400]
    assert CourseEntry.objects.filter(is_most_relevant=True).count() == 1
