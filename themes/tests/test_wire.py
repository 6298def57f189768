"""The objects of the dialect, field by field (operator-token guide and wire facts)."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from themes.models import CourseEntry, SubTheme, Theme

from .registry import THEME, Operator, answer, make_entry, make_setting, make_sub_theme, make_theme

NOON = "2026-03-01T12:00:00+00:00"
STAMPS = {"created_at": NOON, "updated_at": NOON, "created_by": "seeder", "updated_by": "seeder"}
SUB_THEME = {
    "theme_code": "A101",
    "sub_theme_code": "01",
    "sub_theme_name": "消除貧窮",
    "sub_theme_english_name": "No poverty",
}


@pytest.fixture(autouse=True)
def _noon(db: None) -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def theme() -> Theme:
    return make_theme()


@pytest.fixture
def sub_theme(theme: Theme) -> SubTheme:
    return make_sub_theme(theme)


# Themes ------------------------------------------------------------------------------------------------------------


def test_a_theme_is_created_as_the_guide_does_it(operator: Operator) -> None:
    made = operator.post("/themes/", **THEME)
    theme = Theme.objects.get()
    told = {"theme_code": "A101", "theme_name": "聯合國全球永續發展目標", "message": "已建立主題 A101"}
    assert answer(made) == (201, {"result": {"id": str(theme.uid)} | told})
    shown = {"id": str(theme.uid)} | THEME | STAMPS | {"created_by": "user123", "updated_by": "user123"}
    assert answer(operator.get("/themes/A101")) == (200, {"result": shown})
    assert answer(operator.get("/themes/")) == (200, {"result": {"themes": [shown]}})


def test_an_update_keeps_what_is_left_out_or_null_and_names_its_writer(
    operator: Operator, theme: Theme
) -> None:
    sent = {"theme_name": "SDGs - 更新", "chinese_link": None}
    told = {"theme_code": "A101", "theme_name": "SDGs - 更新", "message": "已更新主題 A101"}
    assert answer(operator.put("/themes/A101", **sent)) == (200, {"result": {"id": str(theme.uid)} | told})
    theme.refresh_from_db()
    assert (theme.theme_short_name, theme.chinese_link) == ("SDGs", "https://globalgoals.tw/")
    assert (theme.created_by, theme.updated_by) == ("seeder", "user123")


def test_a_theme_can_be_renamed(operator: Operator, sub_theme: SubTheme) -> None:
    assert operator.put("/themes/A101", theme_code="B1").status_code == 200
    assert operator.get("/themes/A101").status_code == 404
    assert operator.get("/sub_themes/B1/01").status_code == 200


def test_a_theme_is_deleted_once_it_has_no_sub_themes(operator: Operator, sub_theme: SubTheme) -> None:
    theme = sub_theme.theme
    assert operator.delete("/themes/A101").status_code == 400
    assert operator.delete("/sub_themes/A101/01").status_code == 200
    told = {"id": str(theme.uid), "theme_code": "A101", "message": "已刪除主題 A101"}
    assert answer(operator.delete("/themes/A101")) == (200, {"result": told})
    assert not Theme.objects.exists()


def test_sub_themes(operator: Operator, theme: Theme) -> None:
    made = operator.post("/sub_themes/", **SUB_THEME)
    sub_theme = SubTheme.objects.get()
    told = {key: SUB_THEME[key] for key in ("theme_code", "sub_theme_code", "sub_theme_name")}
    result = {"id": str(sub_theme.uid)} | told | {"message": "已建立細項主題 A101/01"}
    assert answer(made) == (201, {"result": result})
    contents = {"sub_theme_content": None, "sub_theme_english_content": None}
    by = {"created_by": "user123", "updated_by": "user123"}
    shown = {"id": str(sub_theme.uid)} | SUB_THEME | contents | STAMPS | by
    for path in ("/sub_themes/", "/sub_themes/by_theme/A101"):
        assert answer(operator.get(path)) == (200, {"result": {"sub_themes": [shown]}})
    assert answer(operator.get("/sub_themes/A101/01")) == (200, {"result": shown})
    changed = answer(operator.put("/sub_themes/A101/01", sub_theme_content="…", sub_theme_code="02"))
    assert changed[1]["result"]["sub_theme_code"] == "02"
    gone = answer(operator.delete("/sub_themes/A101/02"))
    assert gone[1]["result"]["message"] == "已刪除細項主題 A101/02"


# Settings ----------------------------------------------------------------------------------------------------------


def test_a_setting_turns_on_the_sub_themes_that_there_are(operator: Operator, sub_theme: SubTheme) -> None:
    sent = {"school_year_semester": "1132", "theme_code": "A101", "scale_max": 5}
    made = answer(operator.post("/school-year-theme-settings", **sent, fill_in_week_enabled=True))
    name = "Sub A101/01"
    sub = {"sub_theme_code": "01", "sub_theme_name": name, "sub_theme_english_name": name}
    assert made == (
        201,
        {
            "id": made[1]["id"],
            "school_year_semester": "1132",
            "theme_code": "A101",
            "theme_name": "Theme A101",
            "fill_in_week_enabled": True,
            "scale_max": 5,
            "select_most_relevant_sub_theme_enabled": False,
            "sub_themes": [sub | {"enabled": True}],
        }
        | STAMPS
        | {"created_by": "user123", "updated_by": "user123"},
    )
    assert answer(operator.get("/school-year-theme-settings/1132/A101")) == (200, made[1])
    for path in ("/school-year-theme-settings/1132", "/school-year-theme-settings"):
        assert answer(operator.get(path)) == (200, {"settings": [made[1]]})
    assert answer(operator.get("/school-year-theme-settings/1131")) == (200, {"settings": []})


def test_a_sub_theme_that_came_later_is_off(operator: Operator, sub_theme: SubTheme) -> None:
    make_setting("1132", sub_theme.theme)
    make_sub_theme(sub_theme.theme, "02")
    shown = answer(operator.get("/school-year-theme-settings/1132/A101"))[1]["sub_themes"]
    assert [(one["sub_theme_code"], one["enabled"]) for one in shown] == [("01", True), ("02", False)]


def test_a_setting_is_changed_and_removed_with_those_of_its_sub_themes(
    operator: Operator, sub_theme: SubTheme
) -> None:
    make_setting("1132", sub_theme.theme)
    path = "/school-year-theme-settings/1132/A101"
    changed = answer(operator.put(path, select_most_relevant_sub_theme_enabled=True))[1]
    assert (changed["scale_max"], changed["select_most_relevant_sub_theme_enabled"]) == (3, True)
    assert answer(operator.delete(path)) == (200, {"message": "已刪除學年期 1132 的主題設定 A101"})
    assert operator.get(path).status_code == 404
    below = operator.get("/school-year-sub-theme-settings/1132/A101")
    assert answer(below) == (200, {"settings": []})


def test_settings_of_sub_themes(operator: Operator, sub_theme: SubTheme) -> None:
    sent = {"school_year_semester": "1132", "theme_code": "A101", "sub_theme_code": "01"}
    made = answer(operator.post("/school-year-sub-theme-settings", **sent))
    by = STAMPS | {"created_by": "user123", "updated_by": "user123"}
    shown = {"id": made[1]["id"]} | sent | {"sub_theme_name": "Sub A101/01", "enabled": True} | by
    assert made == (201, shown)
    assert operator.post("/school-year-sub-theme-settings", **sent).status_code == 409
    path = "/school-year-sub-theme-settings/1132/A101/01"
    assert answer(operator.get(path)) == (200, shown)
    assert answer(operator.put(path, enabled=False)) == (200, shown | {"enabled": False})
    listed = operator.get("/school-year-sub-theme-settings/1132/A101")
    assert answer(listed) == (200, {"settings": [shown | {"enabled": False}]})
    assert answer(operator.delete(path)) == (200, {"message": "已刪除學年期 1132 的細項主題設定 A101/01"})
    assert operator.delete(path).status_code == 404
    assert answer(operator.put(path, enabled=True))[1]["enabled"] is True


def test_a_semester_in_figures(operator: Operator, sub_theme: SubTheme) -> None:
    make_sub_theme(sub_theme.theme, "02")
    make_setting("1132", sub_theme.theme)
    operator.put("/school-year-sub-theme-settings/1132/A101/02", enabled=False)
    shown = answer(operator.get("/school-years/1132"))[1]
    themes = shown.pop("themes")
    assert shown == {
        "school_year_semester": "1132",
        "summary": {"total_themes": 1, "total_sub_themes": 2, "enabled_sub_themes": 1},
        "themes_summary": [
            {
                "theme_code": "A101",
                "theme_name": "Theme A101",
                "scale_max": 3,
                "sub_themes_count": 2,
                "enabled_sub_themes_count": 1,
            }
        ],
    }
    assert themes == [answer(operator.get("/school-year-theme-settings/1132/A101"))[1]]
    assert operator.get("/school-years/1131").status_code == 404


def test_settings_are_copied_to_another_semester(operator: Operator, sub_theme: SubTheme) -> None:
    theme, old = sub_theme.theme, make_theme("B1")
    off = make_sub_theme(theme, "02")
    make_sub_theme(old, "09")
    make_setting("1131", theme, scale_max=7)
    operator.put(f"/school-year-sub-theme-settings/1131/A101/{off.sub_theme_code}", enabled=False)
    make_sub_theme(theme, "03")  # without a setting in the source
    make_setting("1132", old)
    sent = {"source_school_year_semester": "1131", "target_school_year_semester": "1132"}
    assert answer(operator.post("/school-years/copy-settings", **sent)) == (
        200,
        {
            "message": "成功複製 1 個主題設定到學年期 1132",
            "themes_count": 1,
            "sub_themes_count": 3,
            "deleted_themes_count": 1,
            "deleted_sub_themes_count": 1,
        },
    )
    (shown,) = answer(operator.get("/school-year-theme-settings/1132"))[1]["settings"]
    assert (shown["theme_code"], shown["scale_max"], shown["created_by"]) == ("A101", 7, "user123")
    assert [one["enabled"] for one in shown["sub_themes"]] == [True, False, False]
    again = answer(operator.post("/school-years/copy-settings", **sent))[1]
    assert (again["deleted_themes_count"], again["deleted_sub_themes_count"]) == (1, 3)
    nothing = {"source_school_year_semester": "1101", "target_school_year_semester": "1132"}
    assert operator.post("/school-years/copy-settings", **nothing).status_code == 400
    assert answer(operator.get("/school-year-theme-settings/1132"))[1]["settings"] != []


# Entries -----------------------------------------------------------------------------------------------------------

PLACE = {"course_id": "CS101", "school_year_semester": "1132", "theme_code": "A101", "sub_theme_code": "01"}


def test_an_entry_is_made_then_replaced(operator: Operator, sub_theme: SubTheme) -> None:
    make_setting("1132", sub_theme.theme)
    made = answer(operator.post("/course-entries/single", **PLACE, indicator_value="3", week_numbers=[1, 2]))
    entry = CourseEntry.objects.get()
    by = STAMPS | {"created_by": "user123", "updated_by": "user123"}
    shown: dict[str, Any] = {"id": str(entry.uid)} | PLACE | by
    shown |= {"indicator_value": "3", "week_numbers": [1, 2], "is_most_relevant": False}
    assert made == (201, shown)
    assert answer(operator.get(f"/course-entries/{entry.uid}")) == (200, shown)
    assert answer(operator.get("/course-entries", course_id="CS101")) == (200, {"entries": [shown]})
    other = Operator("user456").post("/course-entries/single", **PLACE, indicator_value="4")
    changed = {"indicator_value": "4", "week_numbers": None, "updated_by": "user456"}
    assert answer(other) == (201, shown | changed)


def test_the_theme_of_an_entry_is_found_among_those_that_are_asked_for(
    operator: Operator, sub_theme: SubTheme
) -> None:
    make_setting("1132", sub_theme.theme)
    place = {key: value for key, value in PLACE.items() if key != "theme_code"}
    made = answer(operator.post("/course-entries/single", **place, indicator_value="3"))
    assert (made[0], made[1]["theme_code"]) == (201, "A101")
    other = make_theme("B1")
    make_sub_theme(other, "01")
    make_setting("1132", other)
    assert operator.post("/course-entries/single", **place, indicator_value="3").status_code == 400


def test_many_entries_at_once_leave_out_those_that_break_a_rule(
    operator: Operator, sub_theme: SubTheme
) -> None:
    make_sub_theme(sub_theme.theme, "02")
    make_setting("1132", sub_theme.theme)
    operator.put("/school-year-sub-theme-settings/1132/A101/02", enabled=False)
    good = PLACE | {"indicator_value": "3"}
    bad = [good | {"sub_theme_code": "02"}, good | {"theme_code": "Z"}, {"course_id": "CS101"}, 7, None]
    bad += [good | {"week_numbers": "all"}, good | {"school_year_semester": "11x3"}]
    status, stored = answer(operator.post("/course-entries", entries=[*bad, good]))
    assert (status, [one["sub_theme_code"] for one in stored]) == (201, ["01"])
    assert operator.post("/course-entries", entries=bad).status_code == 400
    assert CourseEntry.objects.count() == 1


def test_entries_are_changed_and_deleted_by_id(operator: Operator, sub_theme: SubTheme) -> None:
    entry = make_entry("CS101", "1132", sub_theme, week_numbers=[3])
    path = f"/course-entries/{entry.uid}"
    changed = answer(operator.put(path, indicator_value="5", is_most_relevant=True))[1]
    values = (changed["indicator_value"], changed["week_numbers"], changed["is_most_relevant"])
    assert values == ("5", [3], True)
    other = make_entry("CS101", "1132", make_sub_theme(sub_theme.theme, "02"))
    second = {"indicator_value": "1", "is_most_relevant": True}
    assert operator.put(f"/course-entries/{other.uid}", **second).status_code == 400
    assert answer(operator.delete(path)) == (200, changed)
    assert operator.delete(path).status_code == 404
    assert operator.put(f"/course-entries/{other.uid}", **second).status_code == 200


def test_whether_a_course_has_entries(operator: Operator, sub_theme: SubTheme) -> None:
    make_entry("CS101", "1132", sub_theme)
    for semester, there in (("1132", True), ("1131", False)):
        found = operator.get("/course-entries/exists", course_id="CS101", school_year_semester=semester)
        assert answer(found) == (200, {"exists": there})


def test_what_a_course_is_asked_and_what_it_entered(operator: Operator, sub_theme: SubTheme) -> None:
    make_sub_theme(sub_theme.theme, "02")
    make_setting("1132", sub_theme.theme)
    make_sub_theme(sub_theme.theme, "03")
    entry = make_entry("CS101", "1132", sub_theme, indicator_value="2", week_numbers=[1])
    shown = answer(operator.get("/courses/CS101/school-years/1132/form-data"))[1]
    (theme,) = shown.pop("themes")
    first, second = theme.pop("sub_themes")
    assert shown == {"course_id": "CS101", "school_year_semester": "1132"}
    assert theme == {
        "theme_code": "A101",
        "theme_name": "Theme A101",
        "fill_in_week_enabled": True,
        "scale_max": 3,
        "select_most_relevant_sub_theme_enabled": False,
    }
    name = "Sub A101/01"
    assert first == {
        "sub_theme_code": "01",
        "sub_theme_name": name,
        "sub_theme_english_name": name,
        "sub_theme_content": None,
        "sub_theme_english_content": None,
        "current_value": "2",
        "week_numbers": [1],
        "is_most_relevant": False,
        "entry_id": str(entry.uid),
    }
    assert second["sub_theme_code"] == "02"
    assert {second[key] for key in ("current_value", "week_numbers", "is_most_relevant", "entry_id")} == {
        None
    }


def test_the_courses_of_a_sub_theme_and_of_a_semester(operator: Operator, sub_theme: SubTheme) -> None:
    other = make_sub_theme(sub_theme.theme, "02")
    for course, one in (("B", sub_theme), ("A", sub_theme), ("C", other), ("A", other)):
        make_entry(course, "1132", one)
    path = "/school-years/1132/themes/A101/sub-themes/01/courses"
    assert answer(operator.get(path)) == (200, {"course_ids": ["A", "B"]})
    assert answer(operator.get("/school-years/1132/courses")) == (200, {"course_ids": ["A", "B", "C"]})


# All of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/themes", "/themes/", "/sub_themes", "/sub_themes/"])
def test_both_spellings_are_served_without_a_redirect(operator: Operator, theme: Theme, path: str) -> None:
    assert operator.get(path).status_code == 200
    sent = SUB_THEME if "sub" in path else THEME | {"theme_code": "B1"}
    assert operator.post(path, **sent).status_code == 201


def test_texts_are_those_of_the_guides_language_whoever_asks(operator: Operator) -> None:
    response = operator.client.get("/themes/Z", headers={"Accept-Language": "ja"})
    assert response.headers["Content-Language"] == "zh-hant"
    assert response.headers["Content-Type"] == "application/json"


def test_pages_of_other_origins_may_write(operator: Operator) -> None:
    page = {"Origin": "https://page.test", "Access-Control-Request-Method": "DELETE"}
    for path in ("/themes/A101", "/school-year-theme-settings", "/course-entries/copy", "/courses/A/x"):
        allowed = operator.client.options(path, headers=page)
        assert allowed.headers["Access-Control-Allow-Origin"] == "*", path
        assert "DELETE" in allowed.headers["Access-Control-Allow-Methods"]
        assert "Access-Control-Allow-Credentials" not in allowed.headers
    assert "Access-Control-Allow-Origin" not in operator.client.options("/registry", headers=page).headers
