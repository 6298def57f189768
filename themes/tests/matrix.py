"""The registry's part of the role matrix: what is sent to its routes, and what there is."""

from __future__ import annotations

import re
from typing import Any

from scheduler_site.rest.operator_tokens import expected
from themes.models import CourseEntry, SubTheme, Theme, ThemeSetting

from .registry import THEME, make_entry, make_setting, make_sub_theme, make_theme

PLACE = {"school_year_semester": "1132", "theme_code": "A101", "sub_theme_code": "01"}
ENTRY = PLACE | {"course_id": "CS101", "indicator_value": "1"}
COPY = {"source_school_year_semester": "1132", "target_school_year_semester": "1131"}
SPAN = {"school_year_semester_start": "1131", "school_year_semester_end": "1132"}
NAMED = {"sub_theme_name": "n", "sub_theme_english_name": "n"}
_SETTING, _SUB_SETTING = "/school-year-theme-settings", "/school-year-sub-theme-settings"
_ONE = "<str:semester>/<str:theme_code>"

BODIES: dict[str, dict[str, Any]] = {
    "POST /themes<slash:slash>": THEME | {"theme_code": "NEW"},
    "POST /sub_themes<slash:slash>": PLACE | NAMED | {"sub_theme_code": "09"},
    f"POST {_SETTING}<slash:slash>": PLACE | {"school_year_semester": "1141"},
    f"POST {_SUB_SETTING}<slash:slash>": PLACE | {"school_year_semester": "1141"},
    f"PUT {_SUB_SETTING}/{_ONE}/<str:sub_theme_code><slash:slash>": {"enabled": False},
    "POST /school-years/copy-settings<slash:slash>": COPY,
    "POST /school-years/export-csv<slash:slash>": SPAN,
    "POST /course-entries<slash:slash>": {"entries": [ENTRY]},
    "POST /course-entries/single<slash:slash>": ENTRY,
    "POST /course-entries/copy<slash:slash>": COPY | {"course_id": "CS101"},
    "PUT /course-entries/<str:entry_id><slash:slash>": {"indicator_value": "2"},
}
PAGES: dict[str, dict[str, Any]] = {
    "POST /registry/themes/new": THEME | {"theme_code": "NEW", "english_link": ""},
    "POST /registry/themes/<uuid:theme>/edit": THEME | {"english_link": ""},
    "POST /registry/themes/<uuid:theme>/sub-themes/new": NAMED | {"sub_theme_code": "09"},
    "POST /registry/sub-themes/<uuid:sub_theme>/edit": NAMED | {"sub_theme_code": "09"},
    "POST /registry/settings/new": {"school_year_semester": "1141", "scale_max": "3"},
    "POST /registry/settings/copy": {"source": "1132", "target": "1131"},
    "POST /registry/settings/<uuid:setting>/edit": {"scale_max": "3"},
    "POST /registry/entries/new": ENTRY | {"school_year_semester": "1131"},
    "POST /registry/entries/copy": {"source": "1132", "target": "1131", "course": "CS101"},
    "POST /registry/entries/<uuid:entry>/edit": {"indicator_value": "2"},
}
# What these routes read, they read from the address.
QUERIES = {
    "/course-entries": "course_id=CS101",
    "/course-entries/exists": "course_id=CS101&school_year_semester=1132",
}
IDS: dict[str, type[Any]] = {
    "entry_id": CourseEntry,
    "entry": CourseEntry,
    "setting": ThemeSetting,
    "theme": Theme,
    "sub_theme": SubTheme,
}


def populate() -> None:
    """A theme with a sub theme, asked for in two semesters, and an entry; a theme without anything."""
    theme = make_theme()
    make_theme("B1")
    sub_theme = make_sub_theme(theme)
    for semester in ("1131", "1132"):
        make_setting(semester, theme)
    make_entry("CS101", "1132", sub_theme)


def filled(key: str) -> dict[str, Any]:
    """The form of a page, with keys of rows that only the database knows."""
    theme, sub_theme = Theme.objects.get(theme_code="A101"), SubTheme.objects.get()
    return PAGES.get(key, {}) | {"theme": theme.pk, "sub_theme": sub_theme.pk}


def signed() -> dict[str, str]:
    return {"user_id": "user123", "token": expected("user123")}


def path(route: str) -> str:
    """The route with the codes of what there is; other routes as they are."""
    codes = {"theme_code": "A101", "sub_theme_code": "01", "semester": "1132", "course_id": "CS101"}
    codes |= {"slash": "", "rest": "a/b/c/d"}
    for name, model in IDS.items():
        if f":{name}>" in route:
            codes[name] = str(model.objects.order_by("pk")[0].uid)
    named = re.sub(r"<\w+:(\w+)>", lambda found: codes.get(found[1], found[0]), route)
    return f"{named}?{QUERIES[named]}" if named in QUERIES else named
