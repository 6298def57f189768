"""The objects of the dialect as JSON has them (wire facts, sections 3 to 6). Pure functions of rows that were read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from themes.models import CourseEntry, SubTheme, SubThemeSetting, Theme, ThemeSetting, Traced

Json = dict[str, Any]


def _stamps(row: Traced) -> Json:
    return {
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
        "created_by": row.created_by,
        "updated_by": row.updated_by,
    }


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat()


def _fields(row: Traced) -> Json:
    return {name: getattr(row, name) for name in row.FIELDS}


def theme(row: Theme) -> Json:
    return {"id": str(row.uid)} | _fields(row) | _stamps(row)


def theme_done(row: Theme, message: str) -> Json:
    return {
        "id": str(row.uid),
        "theme_code": row.theme_code,
        "theme_name": row.theme_name,
        "message": message,
    }


def sub_theme(row: SubTheme) -> Json:
    return {"id": str(row.uid), "theme_code": row.theme.theme_code} | _fields(row) | _stamps(row)


def sub_theme_done(row: SubTheme, message: str) -> Json:
    return {
        "id": str(row.uid),
        "theme_code": row.theme.theme_code,
        "sub_theme_code": row.sub_theme_code,
        "sub_theme_name": row.sub_theme_name,
        "message": message,
    }


def setting(row: ThemeSetting, enabled: set[int]) -> Json:
    """`enabled`: keys of the sub themes that are on in the semester. All those of the theme are listed."""
    subs = [
        {
            "sub_theme_code": one.sub_theme_code,
            "sub_theme_name": one.sub_theme_name,
            "sub_theme_english_name": one.sub_theme_english_name,
            "enabled": one.pk in enabled,
        }
        for one in row.theme.sub_themes.all()
    ]
    return (
        {"id": str(row.uid), "school_year_semester": row.school_year_semester}
        | {"theme_code": row.theme.theme_code, "theme_name": row.theme.theme_name}
        | _fields(row)
        | {"sub_themes": subs}
        | _stamps(row)
    )


def sub_setting(row: SubThemeSetting) -> Json:
    return {
        "id": str(row.uid),
        "school_year_semester": row.school_year_semester,
        "theme_code": row.sub_theme.theme.theme_code,
        "sub_theme_code": row.sub_theme.sub_theme_code,
        "sub_theme_name": row.sub_theme.sub_theme_name,
        "enabled": row.enabled,
    } | _stamps(row)


def overview(semester: str, settings: Iterable[Json]) -> Json:
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


def _counted(shown: Json) -> Json:
    return {
        "theme_code": shown["theme_code"],
        "theme_name": shown["theme_name"],
        "scale_max": shown["scale_max"],
        "sub_themes_count": len(shown["sub_themes"]),
        "enabled_sub_themes_count": sum(one["enabled"] for one in shown["sub_themes"]),
    }


def entry(row: CourseEntry) -> Json:
    return (
        {
            "id": str(row.uid),
            "course_id": row.course_id,
            "school_year_semester": row.school_year_semester,
            "theme_code": row.sub_theme.theme.theme_code,
            "sub_theme_code": row.sub_theme.sub_theme_code,
        }
        | _fields(row)
        | _stamps(row)
    )


def form_theme(row: ThemeSetting, enabled: set[int], entries: Mapping[int, CourseEntry]) -> Json:
    """What a course is asked for a theme, and what it entered; `entries` by key of the sub theme."""
    asked = [one for one in row.theme.sub_themes.all() if one.pk in enabled]
    return (
        {"theme_code": row.theme.theme_code, "theme_name": row.theme.theme_name}
        | _fields(row)
        | {"sub_themes": [_form_sub_theme(one, entries.get(one.pk)) for one in asked]}
    )


def _form_sub_theme(row: SubTheme, entered: CourseEntry | None) -> Json:
    return _fields(row) | {
        "current_value": entered.indicator_value if entered else None,
        "week_numbers": entered.week_numbers if entered else None,
        "is_most_relevant": entered.is_most_relevant if entered else None,
        "entry_id": str(entered.uid) if entered else None,
    }
