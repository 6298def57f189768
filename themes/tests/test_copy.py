"""Courses take their entries along to another semester (guide, "課程資料複製功能"; wire facts, section 6, Copy)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from audit.models import Entry
from themes.models import CourseEntry, SubTheme
from themes.verbs import entries as verbs

from .registry import Operator, answer, make_entry, make_setting, make_sub_theme, make_theme

SOURCE, TARGET = "1131", "1132"
COPY = {"source_school_year_semester": SOURCE, "target_school_year_semester": TARGET}
# By theme: its codes of sub themes, and those that the target asks for. C has no setting there.
ASKED = {"A": (["01", "02"], {"01"}), "B": (["01", "02"], {"01", "02"}), "C": (["01", "02"], set())}
COURSES = [f"CS{number}" for number in range(101, 109)]


@pytest.fixture
def sub_themes(db: None) -> list[SubTheme]:
    """Three themes, six sub themes, two semesters."""
    found, operator = [], Operator()
    for code, (subs, asked) in ASKED.items():
        theme = make_theme(code)
        found += [make_sub_theme(theme, sub) for sub in subs]
        make_setting(SOURCE, theme)
        if asked:
            make_setting(TARGET, theme)
        for sub in set(subs) - asked:
            path = f"/school-year-sub-theme-settings/{TARGET}/{code}/{sub}"
            assert operator.put(path, enabled=not asked).status_code == 200
    return found


@pytest.fixture
def entered(sub_themes: list[SubTheme]) -> list[CourseEntry]:
    """Forty entries of eight courses in the source, some of them in the target already."""
    places = [(course, sub) for course in COURSES for sub in sub_themes]
    chosen = random.Random(7).sample(places, 40)
    rows = [
        make_entry(course, SOURCE, sub, indicator_value=f"{number}", week_numbers=[1 + number % 18])
        for number, (course, sub) in enumerate(chosen)
    ]
    for course in COURSES[:4]:
        make_entry(course, TARGET, sub_themes[0], indicator_value="old")
        make_entry(course, TARGET, sub_themes[5], indicator_value="old")
    return rows


def entries(course: str, semester: str) -> dict[str, tuple[Any, ...]]:
    found = CourseEntry.objects.filter(course_id=course, school_year_semester=semester)
    return {
        one.sub_theme.path: (one.indicator_value, one.week_numbers, one.is_most_relevant)
        for one in found.select_related("sub_theme__theme")
    }


def test_forty_entries_are_copied_as_counted_by_hand(entered: list[CourseEntry]) -> None:
    wanted = {f"{code}/{sub}" for code, (_subs, asked) in ASKED.items() for sub in asked}
    sums = [0, 0, 0]
    for course in COURSES:
        source, old = entries(course, SOURCE), entries(course, TARGET)
        expected = {path: value for path, value in source.items() if path in wanted}
        counts = (len(expected), len(source) - len(expected), len(old))
        assert answer(Operator().post("/course-entries/copy", **COPY, course_id=course)) == (
            200,
            {
                "message": f"成功複製 {counts[0]} 筆課程記錄到學年期 1132",
                "copied_count": counts[0],
                "skipped_count": counts[1],
                "deleted_count": counts[2],
            },
        )
        assert entries(course, TARGET) == expected
        assert entries(course, SOURCE) == source
        sums = [one + other for one, other in zip(sums, counts, strict=True)]
    assert (sums[0] + sums[1], sums[2]) == (40, 8)
    assert sums[0] == CourseEntry.objects.filter(school_year_semester=TARGET).count()


def test_a_second_copy_gives_the_same_state(entered: list[CourseEntry]) -> None:
    course, operator = COURSES[0], Operator()
    first = answer(operator.post("/course-entries/copy", **COPY, course_id=course))[1]
    state = entries(course, TARGET)
    second = answer(operator.post("/course-entries/copy", **COPY, course_id=course))[1]
    assert entries(course, TARGET) == state
    assert second == first | {"deleted_count": first["copied_count"]}


def test_other_courses_are_left_alone(entered: list[CourseEntry]) -> None:
    others = {course: (entries(course, SOURCE), entries(course, TARGET)) for course in COURSES[1:]}
    Operator().post("/course-entries/copy", **COPY, course_id=COURSES[0])
    assert {course: (entries(course, SOURCE), entries(course, TARGET)) for course in COURSES[1:]} == others


def test_whoever_copies_stands_in_the_copies_and_in_the_trail(entered: list[CourseEntry]) -> None:
    course, before = COURSES[0], Entry.objects.count()
    told = answer(Operator("user456").post("/course-entries/copy", **COPY, course_id=course))[1]
    copies = CourseEntry.objects.filter(course_id=course, school_year_semester=TARGET)
    assert {(one.created_by, one.updated_by) for one in copies} == {("user456", "user456")}
    (left,) = Entry.objects.all()[: Entry.objects.count() - before]
    assert (left.event, left.operator, left.object_name) == ("modified", "user456", f"{course} {TARGET}")
    copied, skipped, deleted = (told[f"{name}_count"] for name in ("copied", "skipped", "deleted"))
    said = f"1131 → 1132: {copied} copied, {skipped} skipped, {deleted} deleted"
    assert left.description == said
    assert left.changes["A/01"]["old"]["indicator_value"] == "old"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"course_id": "NONE"}, 404),
        ({"source_school_year_semester": "1121"}, 404),
        ({"target_school_year_semester": "1141"}, 404),
        ({"target_school_year_semester": SOURCE}, 400),
        ({"token": "0" * 32}, 401),
    ],
)
def test_what_cannot_be_copied_changes_nothing(
    entered: list[CourseEntry], change: dict[str, str], status: int
) -> None:
    before = list(CourseEntry.objects.order_by("pk").values())
    found = Operator().post("/course-entries/copy", **COPY | {"course_id": COURSES[0]} | change)
    assert found.status_code == status
    assert list(CourseEntry.objects.order_by("pk").values()) == before


def test_a_failure_in_between_leaves_the_target_as_it_was(
    entered: list[CourseEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list(CourseEntry.objects.order_by("pk").values())

    def fails(*_args: Any, **_more: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(verbs, "record", fails)
    found = Operator().post("/course-entries/copy", **COPY, course_id=COURSES[0])
    assert answer(found) == (500, {"detail": "Internal Server Error"})
    assert list(CourseEntry.objects.order_by("pk").values()) == before
