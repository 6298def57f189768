"""The objects of the dialect as JSON has them (wire facts, sections 3 to 6). Pure functions of rows that were read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TypedDict

from themes.models import CourseEntry, SubTheme, SubThemeSetting, Theme, ThemeSetting, Traced


class Stamps(TypedDict):
    created_at: str
    updated_at: str
    created_by: str
    updated_by: str


def _stamps(row: Traced) -> Stamps:
    return {
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
        "created_by": row.created_by,
        "updated_by": row.updated_by,
    }


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat()


# Themes and sub themes -------------------------------------------------------------------------------------------------


class ShownTheme(Stamps):
    id: str
    theme_code: str
    theme_name: str
    theme_short_name: str
    theme_english_name: str
    chinese_link: str | None
    english_link: str | None


class ThemeDone(TypedDict):
    id: str
    theme_code: str
    theme_name: str
    message: str


class SubThemeFields(TypedDict):
    sub_theme_code: str
    sub_theme_name: str
    sub_theme_english_name: str
    sub_theme_content: str | None
    sub_theme_english_content: str | None


class ShownSubTheme(SubThemeFields, Stamps):
    id: str
    theme_code: str


class SubThemeDone(TypedDict):
    id: str
    theme_code: str
    sub_theme_code: str
    sub_theme_name: str
    message: str


def theme(row: Theme) -> ShownTheme:
    return {
        "id": str(row.uid),
        "theme_code": row.theme_code,
        "theme_name": row.theme_name,
        "theme_short_name": row.theme_short_name,
        "theme_english_name": row.theme_english_name,
        "chinese_link": row.chinese_link,
        "english_link": row.english_link,
        **_stamps(row),
    }


def theme_done(row: Theme, message: str) -> ThemeDone:
    return {
        "id": str(row.uid),
        "theme_code": row.theme_code,
        "theme_name": row.theme_name,
        "message": message,
    }


def sub_theme(row: SubTheme) -> ShownSubTheme:
    return {
        "id": str(row.uid),
        "theme_code": row.theme.theme_code,
        **_sub_theme_fields(row),
        **_stamps(row),
    }


def _sub_theme_fields(row: SubTheme) -> SubThemeFields:
    return {
        "sub_theme_code": row.sub_theme_code,
        "sub_theme_name": row.sub_theme_name,
        "sub_theme_english_name": row.sub_theme_english_name,
        "sub_theme_content": row.sub_theme_content,
        "sub_theme_english_content": row.sub_theme_english_content,
    }


def sub_theme_done(row: SubTheme, message: str) -> SubThemeDone:
    return {
        "id": str(row.uid),
        "theme_code": row.theme.theme_code,
        "sub_theme_code": row.sub_theme_code,
        "sub_theme_name": row.sub_theme_name,
        "message": message,
    }


# Settings of a semester ------------------------------------------------------------------------------------------------


class SettingFields(TypedDict):
    fill_in_week_enabled: bool
    scale_max: int
    select_most_relevant_sub_theme_enabled: bool


class SubThemeOfSetting(TypedDict):
    sub_theme_code: str
    sub_theme_name: str
    sub_theme_english_name: str
    enabled: bool


class ShownSetting(SettingFields, Stamps):
    id: str
    school_year_semester: str
    theme_code: str
    theme_name: str
    sub_themes: list[SubThemeOfSetting]


class ShownSubSetting(Stamps):
    id: str
    school_year_semester: str
    theme_code: str
    sub_theme_code: str
    sub_theme_name: str
    enabled: bool


class Counted(TypedDict):
    theme_code: str
    theme_name: str
    scale_max: int
    sub_themes_count: int
    enabled_sub_themes_count: int


class Summary(TypedDict):
    total_themes: int
    total_sub_themes: int
    enabled_sub_themes: int


class Overview(TypedDict):
    school_year_semester: str
    summary: Summary
    themes_summary: list[Counted]
    themes: list[ShownSetting]


def setting(row: ThemeSetting, enabled: set[int]) -> ShownSetting:
    """`enabled`: keys of the sub themes that are on in the semester. All those of the theme are listed."""
    return {
        "id": str(row.uid),
        "school_year_semester": row.school_year_semester,
        "theme_code": row.theme.theme_code,
        "theme_name": row.theme.theme_name,
        **_setting_fields(row),
        "sub_themes": [_of_setting(one, one.pk in enabled) for one in row.theme.sub_themes.all()],
        **_stamps(row),
    }


def _setting_fields(row: ThemeSetting) -> SettingFields:
    return {
        "fill_in_week_enabled": row.fill_in_week_enabled,
        "scale_max": row.scale_max,
        "select_most_relevant_sub_theme_enabled": row.select_most_relevant_sub_theme_enabled,
    }


def _of_setting(row: SubTheme, enabled: bool) -> SubThemeOfSetting:
    return {
        "sub_theme_code": row.sub_theme_code,
        "sub_theme_name": row.sub_theme_name,
        "sub_theme_english_name": row.sub_theme_english_name,
        "enabled": enabled,
    }


def sub_setting(row: SubThemeSetting) -> ShownSubSetting:
    return {
        "id": str(row.uid),
        "school_year_semester": row.school_year_semester,
        "theme_code": row.sub_theme.theme.theme_code,
        "sub_theme_code": row.sub_theme.sub_theme_code,
        "sub_theme_name": row.sub_theme.sub_theme_name,
        "enabled": row.enabled,
        **_stamps(row),
    }


def overview(semester: str, settings: Iterable[ShownSetting]) -> Overview:
    """A semester from its settings on the wire."""
    themes = list(settings)
    counts = [_counted(one) for one in themes]
    return {
        "school_year_semester": semester,
        "summary": {
            "total_themes": len(themes),
            "total_sub_themes": sum(one["sub_themes_count"] for one in counts),
            "enabled_sub_themes": sum(one["enabled_sub_themes_count"] for one in counts),
        },
        "themes_summary": counts,
        "themes": themes,
    }


def _counted(shown: ShownSetting) -> Counted:
    return {
        "theme_code": shown["theme_code"],
        "theme_name": shown["theme_name"],
        "scale_max": shown["scale_max"],
        "sub_themes_count": len(shown["sub_themes"]),
        "enabled_sub_themes_count": sum(one["enabled"] for one in shown["sub_themes"]),
    }


# Entries of courses ----------------------------------------------------------------------------------------------------


class ShownEntry(Stamps):
    id: str
    course_id: str
    school_year_semester: str
    theme_code: str
    sub_theme_code: str
    indicator_value: str
    week_numbers: list[int] | None
    is_most_relevant: bool


class SubThemeOfForm(SubThemeFields):
    current_value: str | None
    week_numbers: list[int] | None
    is_most_relevant: bool | None
    entry_id: str | None


class ThemeOfForm(SettingFields):
    theme_code: str
    theme_name: str
    sub_themes: list[SubThemeOfForm]


def entry(row: CourseEntry) -> ShownEntry:
    return {
        "id": str(row.uid),
        "course_id": row.course_id,
        "school_year_semester": row.school_year_semester,
        "theme_code": row.sub_theme.theme.theme_code,
        "sub_theme_code": row.sub_theme.sub_theme_code,
        "indicator_value": row.indicator_value,
        "week_numbers": row.week_numbers,
        "is_most_relevant": row.is_most_relevant,
        **_stamps(row),
    }


def form_theme(row: ThemeSetting, enabled: set[int], entries: Mapping[int, CourseEntry]) -> ThemeOfForm:
    """What a course is asked for a theme, and what it entered; `entries` by key of the sub theme."""
    asked = [one for one in row.theme.sub_themes.all() if one.pk in enabled]
    return {
        "theme_code": row.theme.theme_code,
        "theme_name": row.theme.theme_name,
        **_setting_fields(row),
        "sub_themes": [_form_sub_theme(one, entries.get(one.pk)) for one in asked],
    }


def _form_sub_theme(row: SubTheme, entered: CourseEntry | None) -> SubThemeOfForm:
    return {
        **_sub_theme_fields(row),
        "current_value": entered.indicator_value if entered else None,
        "week_numbers": entered.week_numbers if entered else None,
        "is_most_relevant": entered.is_most_relevant if entered else None,
        "entry_id": str(entered.uid) if entered else None,
    }
