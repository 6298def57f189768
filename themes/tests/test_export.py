"""The registry as a CSV file (wire facts, section 7), byte by byte."""

from __future__ import annotations

from typing import Any

import pytest

from themes.models import SubTheme

from .registry import Operator, answer, make_entry, make_setting, make_sub_theme, make_theme

FIRST = "\ufeff學年期,OPMS_COURSE_NO,PS_CLASS_NBR,課程名稱"


@pytest.fixture
def operator(db: None) -> Operator:
    return Operator()


def themed(code: str, *subs: str, name: str = "", **setting: Any) -> list[SubTheme]:
    theme = make_theme(code, **({"theme_name": name} if name else {}))
    found = [make_sub_theme(theme, sub) for sub in subs]
    make_setting("1132", theme, **setting)
    return found


def lines(response: Any) -> list[str]:
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return str(response.content.decode()).split("\n")


def test_a_row_for_each_course_and_columns_for_what_was_asked(operator: Operator) -> None:
    a, b = themed("A101", "01", "02", name="永續", select_most_relevant_sub_theme_enabled=True)
    make_sub_theme(a.theme, "03")  # asked of nobody
    make_entry("CS102", "1132", b, indicator_value="5", is_most_relevant=True)
    make_entry("CS101", "1132", a, indicator_value="高,低", week_numbers=[1, 2, 16])
    make_entry("CS101", "1131", b, indicator_value="elsewhere")
    response = operator.get("/school-years/1132/export-csv")
    assert response["Content-Disposition"] == "attachment; filename=course_entries_1132.csv"
    assert lines(response) == [
        f"{FIRST},永續最相關子主題代碼,永續最相關子主題名稱,"
        "Sub A101/01,Sub A101/01週次,Sub A101/02,Sub A101/02週次",
        '1132,CS101,,,,,"高,低","1,2,16",,',
        "1132,CS102,,,02,Sub A101/02,,,5,",
        "",
    ]


def test_some_themes_have_headings_of_their_own(operator: Operator) -> None:
    for code in ("A401", "A601", "A501", "A301"):
        themed(code, "1", fill_in_week_enabled=False)
    assert lines(operator.get("/school-years/1132/export-csv"))[0] == (
        f"{FIRST},Sub A301/1(主題:指標主題),UCANSub A401/1,Sub A501/1(USR),STEAMSub A601/1"
    )


def test_a_span_of_semesters_narrowed_to_a_sub_theme(operator: Operator) -> None:
    a, b = themed("A101", "01", "02", fill_in_week_enabled=False)
    (c,) = themed("B101", "01", fill_in_week_enabled=False)
    make_setting("1131", a.theme, fill_in_week_enabled=False)
    for semester, sub in (("1131", a), ("1132", a), ("1132", b), ("1132", c)):
        make_entry("CS101", semester, sub, indicator_value=f"{semester}{sub.theme.theme_code}")
    span = {"school_year_semester_start": "1131", "school_year_semester_end": "1141"}
    whole = operator.post("/school-years/export-csv", **span)
    assert whole["Content-Disposition"] == "attachment; filename=course_entries_1131_1141.csv"
    assert lines(whole) == [
        f"{FIRST},Sub A101/01,Sub A101/02,Sub B101/01",
        "1131,CS101,,,1131A101,,",
        "1132,CS101,,,1132A101,1132A101,1132B101",
        "",
    ]
    of_theme = operator.post("/school-years/export-csv", **span, theme_code="B101")
    assert lines(of_theme) == [f"{FIRST},Sub B101/01", "1132,CS101,,,1132B101", ""]
    one = operator.post("/school-years/export-csv", **span, theme_code="A101", sub_theme_code="01")
    expected = [f"{FIRST},Sub A101/01", "1131,CS101,,,1131A101", "1132,CS101,,,1132A101", ""]
    assert lines(one) == expected


def test_nothing_to_export_is_404(operator: Operator) -> None:
    themed("A101", "01")
    assert len(lines(operator.get("/school-years/1132/export-csv"))) == 2
    assert operator.get("/school-years/1131/export-csv").status_code == 404
    span = {"school_year_semester_start": "1131", "school_year_semester_end": "1132"}
    status, told = answer(operator.post("/school-years/export-csv", **span))
    assert (status, list(told)) == (404, ["detail"])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_a_formula(operator: Operator, text: str) -> None:
    (sub,) = themed("A101", "01", fill_in_week_enabled=False)
    make_entry("CS101", "1132", sub, indicator_value=text)
    assert lines(operator.get("/school-years/1132/export-csv"))[1] == f"1132,CS101,,,'{text}"
