"""The routes of the operator-token guide, as completed by its wire facts; each also with a slash at its end."""

from __future__ import annotations

from django.urls import path, register_converter

from . import entries, exports, semesters, themes
from .base import NotFoundView


class Slash:
    """One or none, without a redirect that would lose the body."""

    regex = "/?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Slash, "slash")

SETTING = "school-year-theme-settings"
SUB_SETTING = "school-year-sub-theme-settings"
PREFIXES = ("themes", "sub_themes", SETTING, SUB_SETTING, "school-years", "course-entries", "courses")

routes = {
    "themes": themes.ThemesView,
    "themes/<str:theme_code>": themes.ThemeView,
    "sub_themes": themes.SubThemesView,
    "sub_themes/by_theme/<str:theme_code>": themes.SubThemesOfView,
    "sub_themes/<str:theme_code>/<str:sub_theme_code>": themes.SubThemeView,
    # Settings
    SETTING: semesters.SettingsView,
    f"{SETTING}/<str:semester>": semesters.SemesterSettingsView,
    f"{SETTING}/<str:semester>/<str:theme_code>": semesters.SettingView,
    SUB_SETTING: semesters.SubSettingsView,
    f"{SUB_SETTING}/<str:semester>/<str:theme_code>": semesters.ThemeSubSettingsView,
    f"{SUB_SETTING}/<str:semester>/<str:theme_code>/<str:sub_theme_code>": semesters.SubSettingView,
    # Semesters
    "school-years/copy-settings": semesters.CopySettingsView,
    "school-years/export-csv": exports.ExportRangeView,
    "school-years/<str:semester>": semesters.SemesterView,
    "school-years/<str:semester>/export-csv": exports.ExportView,
    "school-years/<str:semester>/courses": entries.CoursesView,
    "school-years/<str:semester>/themes/<str:theme_code>/sub-themes/<str:sub_theme_code>/courses": (
        entries.SubThemeCoursesView
    ),
    # Entries
    "course-entries": entries.EntriesView,
    "course-entries/single": entries.SingleEntryView,
    "course-entries/exists": entries.ExistsView,
    "course-entries/copy": entries.CopyEntriesView,
    "course-entries/<str:entry_id>": entries.EntryView,
    "courses/<str:course_id>/school-years/<str:semester>/form-data": entries.FormDataView,
}

urlpatterns = [
    *(path(f"{route}<slash:slash>", view.as_view()) for route, view in routes.items()),
    *(path(f"{prefix}/<path:rest>", NotFoundView.as_view()) for prefix in PREFIXES),
]
