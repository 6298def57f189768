"""What makes no sense is answered in the guide's shape, names its field, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import serializers
from django.test import Client

from audit.models import Entry
from scheduler_site.rest.operator_tokens import expected
from themes.models import CourseEntry, SubTheme, SubThemeSetting, Theme, ThemeSetting

from .registry import THEME, Operator, answer, make_entry, make_setting, make_sub_theme, make_theme, send

LONG = "x" * 10_000
SUB_THEME = {
    "theme_code": "A101",
    "sub_theme_code": "09",
    "sub_theme_name": "n",
    "sub_theme_english_name": "n",
}
SETTING = {"school_year_semester": "1141", "theme_code": "A101"}
ENTRY = {
    "course_id": "CS101",
    "school_year_semester": "1132",
    "theme_code": "A101",
    "sub_theme_code": "01",
    "indicator_value": "3",
}
COPY = {
    "source_school_year_semester": "1132",
    "target_school_year_semester": "1131",
    "course_id": "CS101",
}
SETTINGS_COPY = {key: value for key, value in COPY.items() if key != "course_id"}
SPAN = {"school_year_semester_start": "1131", "school_year_semester_end": "1132"}

CODES: list[Any] = [
    None,
    "",
    " ",
    LONG,
    "x" * 11,
    "a/b",
    " a",
    "a ",
    "a\n",
    "a\x00",
    "\ud800",
    7,
    True,
    ["a"],
]
CODES += [{"a": 1}, ".", "..", "by_theme"]
TEXTS: list[Any] = [None, "", "  ", LONG, "a\x00b", "\udfff", 7, 1.5, False, [], {}]
SEMESTERS: list[Any] = [None, "", "11x3", "1133", "1130", "113", "11321", " 1132", "1132\n", "１１３２", 1132]
SEMESTERS += [LONG, "-113", ["1132"], "1132\x00"]
FLAGS: list[Any] = ["true", 1, 0, "Y", [], LONG]
SCALES: list[Any] = [0, 11, -1, 10**39, 2.5, "3", True, [], LONG]
WEEKS: list[Any] = [
    "1,2",
    3,
    True,
    {},
    [0],
    [54],
    [-1],
    [1.5],
    ["1"],
    [True],
    [None],
    [[1]],
    [1, 1],
    [10**30],
    LONG,
]


def each(path: str, good: dict[str, Any], **values: list[Any]) -> list[tuple[str, str, str, Any]]:
    """A request for each value of each field: method and path, its field, and the body."""
    method, _, place = path.partition(" ")
    return [
        (method, place, field, good | {field: value}) for field, wrong in values.items() for value in wrong
    ]


LINKS: list[Any] = [LONG, 7, [], "a\x00"]
FIELDS = [
    *each("POST /themes/", THEME | {"theme_code": "NEW"}, theme_code=CODES, theme_name=TEXTS),
    *each("POST /themes/", THEME | {"theme_code": "NEW"}, theme_short_name=TEXTS, english_link=LINKS),
    *each("POST /themes/", THEME | {"theme_code": "NEW"}, theme_english_name=TEXTS, chinese_link=LINKS),
    *each("PUT /themes/A101", {}, theme_code=CODES[1:], theme_name=TEXTS[1:], chinese_link=LINKS),
    *each("POST /sub_themes/", SUB_THEME, theme_code=CODES, sub_theme_code=CODES, sub_theme_name=TEXTS),
    *each("POST /sub_themes/", SUB_THEME, sub_theme_english_name=TEXTS, sub_theme_content=LINKS),
    *each("PUT /sub_themes/A101/01", {}, sub_theme_code=CODES[1:], sub_theme_english_content=LINKS),
    *each("POST /school-year-theme-settings", SETTING, school_year_semester=SEMESTERS, theme_code=CODES),
    *each("POST /school-year-theme-settings", SETTING, scale_max=SCALES, fill_in_week_enabled=FLAGS),
    *each("PUT /school-year-theme-settings/1132/A101", {}, scale_max=SCALES, fill_in_week_enabled=FLAGS),
    *each("PUT /school-year-theme-settings/1132/A101", {}, select_most_relevant_sub_theme_enabled=FLAGS),
    *each("POST /school-year-sub-theme-settings", ENTRY, school_year_semester=SEMESTERS, enabled=FLAGS),
    *each("PUT /school-year-sub-theme-settings/1132/A101/01", {}, enabled=[None, *FLAGS]),
    *each("POST /course-entries/single", ENTRY, course_id=[*TEXTS, "a/b", " a"], indicator_value=TEXTS),
    *each("POST /course-entries/single", ENTRY, school_year_semester=SEMESTERS, sub_theme_code=CODES),
    *each("POST /course-entries/single", ENTRY, week_numbers=WEEKS, is_most_relevant=FLAGS),
    *each("POST /course-entries", {}, entries=[None, "all", 7, {}, [ENTRY] * 501]),
    *each("PUT /course-entries/{entry}", {"indicator_value": "1"}, indicator_value=TEXTS, week_numbers=WEEKS),
    *each("PUT /course-entries/{entry}", {"indicator_value": "1"}, is_most_relevant=FLAGS),
    *each("POST /course-entries/copy", COPY, course_id=TEXTS, source_school_year_semester=SEMESTERS),
    *each("POST /course-entries/copy", COPY, target_school_year_semester=SEMESTERS),
    *each("POST /school-years/copy-settings", SETTINGS_COPY, source_school_year_semester=SEMESTERS),
    *each("POST /school-years/copy-settings", SETTINGS_COPY, target_school_year_semester=SEMESTERS),
    *each("POST /school-years/export-csv", SPAN, school_year_semester_start=SEMESTERS),
    *each("POST /school-years/export-csv", SPAN, school_year_semester_end=[*SEMESTERS, "1122"]),
    *each("POST /school-years/export-csv", SPAN, theme_code=CODES[1:], sub_theme_code=CODES[1:]),
]
NOTHING: list[tuple[str, str, Any, int]] = [
    # Codes and ids that are nobody's
    ("GET", "/themes/NONE", None, 404),
    ("GET", "/themes/a101", None, 404),
    ("GET", "/themes/A101%20", None, 404),
    ("GET", f"/themes/{LONG}", None, 404),
    ("GET", "/themes/%00", None, 404),
    ("GET", "/themes/%ff", None, 404),
    ("GET", "/themes/A101/01", None, 404),
    ("PUT", "/themes/NONE", {}, 404),
    ("DELETE", "/themes/NONE", {}, 404),
    ("GET", "/sub_themes/by_theme/NONE", None, 404),
    ("GET", "/sub_themes/A101/NONE", None, 404),
    ("PUT", "/sub_themes/NONE/01", {}, 404),
    ("DELETE", "/sub_themes/A101/NONE", {}, 404),
    ("POST", "/sub_themes/", SUB_THEME | {"theme_code": "NONE"}, 404),
    ("POST", "/school-year-theme-settings", SETTING | {"theme_code": "NONE"}, 404),
    ("GET", "/school-year-theme-settings/1141/A101", None, 404),
    ("PUT", "/school-year-theme-settings/1141/A101", {}, 404),
    ("DELETE", "/school-year-theme-settings/1132/NONE", {}, 404),
    ("POST", "/school-year-sub-theme-settings", ENTRY | {"sub_theme_code": "NONE"}, 404),
    ("PUT", "/school-year-sub-theme-settings/1132/A101/NONE", {"enabled": True}, 404),
    ("DELETE", "/school-year-sub-theme-settings/1141/A101/01", {}, 404),
    ("GET", "/school-year-sub-theme-settings/1132/NONE", None, 404),
    ("POST", "/course-entries/single", ENTRY | {"theme_code": "NONE"}, 404),
    ("POST", "/course-entries/single", ENTRY | {"sub_theme_code": "NONE"}, 404),
    ("GET", "/course-entries/7", None, 404),
    ("PUT", "/course-entries/00000000-0000-0000-0000-000000000000", {"indicator_value": "1"}, 404),
    ("DELETE", f"/course-entries/{LONG}", {}, 404),
    ("POST", "/course-entries/copy", COPY | {"course_id": "NONE"}, 404),
    ("POST", "/course-entries/copy", COPY | {"target_school_year_semester": "1121"}, 404),
    ("GET", "/school-years/1141/export-csv", None, 404),
    ("POST", "/school-years/export-csv", dict.fromkeys(SPAN, "1141"), 404),
    ("POST", "/school-years/export-csv", SPAN | {"theme_code": "NONE"}, 404),
    ("GET", "/school-years/1132/themes/A101/sub-themes/NONE/courses", None, 404),
    ("GET", "/courses/CS101", None, 404),
    # Twice
    ("POST", "/themes/", THEME, 409),
    ("PUT", "/themes/A101", {"theme_code": "B1"}, 409),
    ("POST", "/sub_themes/", SUB_THEME | {"sub_theme_code": "01"}, 409),
    ("PUT", "/sub_themes/A101/01", {"sub_theme_code": "02"}, 409),
    ("POST", "/school-year-theme-settings", SETTING | {"school_year_semester": "1132"}, 409),
    ("POST", "/school-year-sub-theme-settings", ENTRY, 409),
    # Against a rule
    ("DELETE", "/themes/A101", {}, 400),
    ("DELETE", "/sub_themes/A101/01", {}, 400),
    ("POST", "/course-entries/single", ENTRY | {"sub_theme_code": "03"}, 400),
    ("POST", "/course-entries/single", ENTRY | {"school_year_semester": "1141"}, 400),
    ("POST", "/course-entries/single", ENTRY | {"theme_code": None, "sub_theme_code": "03"}, 400),
    ("POST", "/course-entries", {"entries": []}, 400),
    ("POST", "/course-entries/copy", COPY | {"target_school_year_semester": "1132"}, 400),
    ("POST", "/school-years/copy-settings", SETTINGS_COPY | {"source_school_year_semester": "1121"}, 400),
    ("POST", "/school-years/copy-settings", SETTINGS_COPY | {"target_school_year_semester": "1132"}, 400),
    # Addresses
    *(
        ("GET", path.format("11x3"), None, 422)
        for path in (
            "/school-year-theme-settings/{}",
            "/school-year-theme-settings/{}/A101",
            "/school-year-sub-theme-settings/{}/A101",
            "/school-years/{}",
            "/school-years/{}/export-csv",
            "/courses/CS101/school-years/{}/form-data",
        )
    ),
    ("PUT", "/school-year-theme-settings/11x3/A101", {}, 422),
    ("GET", "/course-entries", None, 422),
    ("GET", "/course-entries/exists", None, 422),
    ("GET", "/course-entries/exists?course_id=CS101", None, 422),
    ("GET", "/course-entries/exists?course_id=CS101&school_year_semester=11x3", None, 422),
    ("GET", f"/course-entries/exists?course_id={LONG}&school_year_semester=1132", None, 422),
    ("GET", "/course-entries/exists?course_id=%00&school_year_semester=1132", None, 422),
    ("GET", f"/courses/{LONG}/school-years/1132/form-data", None, 422),
    # Methods
    ("PATCH", "/themes/A101", {}, 405),
    ("POST", "/themes/A101", {}, 405),
    ("OPTIONS", "/themes/", {}, 405),
    ("GET", "/course-entries/copy", None, 405),
    ("DELETE", "/school-year-theme-settings", {}, 405),
]


@pytest.fixture
def entry(db: None) -> CourseEntry:
    theme = make_theme()
    make_theme("B1")
    asked = make_sub_theme(theme)
    make_sub_theme(theme, "02")
    for semester in ("1131", "1132"):
        make_setting(semester, theme)
    make_sub_theme(theme, "03")
    return make_entry("CS101", "1132", asked)


def everything() -> str:
    models = (Theme, SubTheme, ThemeSetting, SubThemeSetting, CourseEntry)
    rows = [row for model in models for row in model.objects.order_by("pk")]
    return f"{serializers.serialize('json', rows)} {Entry.objects.count()}"


def test_no_field_takes_what_makes_no_sense(entry: CourseEntry) -> None:
    before, operator = everything(), Operator()
    wrong = {}
    for method, path, field, body in FIELDS:
        status, told = answer(operator.send(method, path.format(entry=entry.uid), body))
        # What JSON cannot hold is refused before anything is known of fields.
        if status != 422 or list(told) != ["detail"] or field not in told["detail"]:
            wrong[f"{method} {path} {field}={str(body[field])[:20]!r}"] = (status, told)
    assert wrong == {}
    assert everything() == before


def test_no_field_that_is_needed_may_be_missing(entry: CourseEntry) -> None:
    before, operator = everything(), Operator()
    for method, path, field, body in FIELDS:
        if body[field] is None and path != "/course-entries":
            rest = {key: value for key, value in body.items() if key != field}
            status, told = answer(operator.send(method, path.format(entry=entry.uid), rest))
            assert (status, field in told["detail"]) == (422, True), (path, field, told)
    assert everything() == before


@pytest.mark.parametrize(("method", "path", "body", "status"), NOTHING)
def test_it_is_told_and_changes_nothing(
    entry: CourseEntry, method: str, path: str, body: Any, status: int
) -> None:
    before, operator = everything(), Operator()
    response = operator.client.get(path) if method == "GET" else operator.send(method, path, body)
    found, told = answer(response)  # type: ignore[arg-type]
    assert (found, list(told)) == (status, ["detail"]), told
    assert isinstance(told["detail"], str)
    assert told["detail"]
    assert len(response.content) < 1000
    assert everything() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"\xff", 422),
        (b'{"a": NaN}', 422),
        (b"[" * 100_000, 422),
        (b'{"a": %s}' % (b"9" * 10_000), 422),
        (b'{"a": "%s"}' % (b"x" * 2**21), 413),
    ],
)
def test_a_body_that_cannot_be_read_is_told(db: None, body: bytes, status: int) -> None:
    for method, path in (
        ("POST", "/themes/"),
        ("DELETE", "/themes/A101"),
        ("POST", "/school-years/export-csv"),
    ):
        found, told = answer(send(Client(), method, path, body))
        assert (found, list(told)) == (status, ["detail"])


def test_what_no_field_is_called_is_left_alone(entry: CourseEntry) -> None:
    more = {"id": "x", "created_by": "somebody", "pk": 1, "uid": "y"}
    assert Operator().put("/themes/A101", theme_name="new", **more).status_code == 200
    theme = Theme.objects.get(theme_code="A101")
    assert (theme.theme_name, theme.created_by) == ("new", "seeder")


def test_hostile_texts_are_kept_as_they_are(entry: CourseEntry) -> None:
    for text in (
        "<script>alert(1)</script>",
        "'; DROP TABLE themes; --",
        "😀" * 20,
        "\u202eabc",
        "{{ 7*7 }}",
    ):
        body = {"theme_name": text, "user_id": text[:50], "token": expected(text[:50])}
        assert send(Client(), "PUT", "/themes/A101", body).status_code == 200
        found = answer(Operator().get("/themes/A101"))[1]["result"]
        assert (found["theme_name"], found["updated_by"]) == (text, text[:50])
