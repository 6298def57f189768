"""Settings of a semester, its overview, and their copy (wire facts, section 5): bare objects."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from themes import queries
from themes.models import SubTheme, SubThemeSetting, Theme, ThemeSetting
from themes.verbs import semesters as verbs
from themes.verbs.rows import sub_theme_of, theme_of

from ..errors import Unknown
from . import reader, wire
from .base import Answer, RegistryView


def _shown(setting: ThemeSetting) -> wire.ShownSetting:
    return wire.setting(setting, queries.enabled_in(setting.school_year_semester))


def _all_of(semester: str) -> list[wire.ShownSetting]:
    enabled = queries.enabled_in(semester)
    return [wire.setting(one, enabled) for one in queries.settings(semester)]


class SettingsView(RegistryView):
    def get(self, request: HttpRequest) -> Answer:
        return {"settings": [one for semester in reversed(queries.semesters()) for one in _all_of(semester)]}

    def post(self, request: HttpRequest) -> Answer:
        semester = reader.semester(self.body)
        code = reader.required(Theme, self.body, "theme_code")["theme_code"]
        values = reader.optional(ThemeSetting, self.body, ThemeSetting.FIELDS)
        return 201, _shown(verbs.create_setting(semester, theme_of(code), values, self.by))


class SemesterSettingsView(RegistryView):
    def get(self, request: HttpRequest, semester: str) -> Answer:
        return {"settings": _all_of(semester)}


class SettingView(RegistryView):
    def get(self, request: HttpRequest, semester: str, theme_code: str) -> Answer:
        return _shown(verbs.setting_of(semester, theme_of(theme_code)))

    def put(self, request: HttpRequest, semester: str, theme_code: str) -> Answer:
        setting = verbs.setting_of(semester, theme_of(theme_code))
        values = reader.optional(ThemeSetting, self.body, ThemeSetting.FIELDS)
        return _shown(verbs.update_setting(setting, values, self.by))

    def delete(self, request: HttpRequest, semester: str, theme_code: str) -> Answer:
        verbs.delete_setting(verbs.setting_of(semester, theme_of(theme_code)), self.by)
        return {"message": f"已刪除學年期 {semester} 的主題設定 {theme_code}"}


class SubSettingsView(RegistryView):
    def post(self, request: HttpRequest) -> Answer:
        semester = reader.semester(self.body)
        theme_code = reader.required(Theme, self.body, "theme_code")["theme_code"]
        code = reader.required(SubTheme, self.body, "sub_theme_code")["sub_theme_code"]
        values = reader.optional(SubThemeSetting, self.body, SubThemeSetting.FIELDS)
        made = verbs.create_sub_setting(semester, sub_theme_of(theme_code, code), values, self.by)
        return 201, wire.sub_setting(made)


class ThemeSubSettingsView(RegistryView):
    def get(self, request: HttpRequest, semester: str, theme_code: str) -> Answer:
        found = SubThemeSetting.objects.filter(
            school_year_semester=semester, sub_theme__theme=theme_of(theme_code)
        )
        return {"settings": [wire.sub_setting(one) for one in found.select_related("sub_theme__theme")]}


class SubSettingView(RegistryView):
    def get(self, request: HttpRequest, semester: str, theme_code: str, sub_theme_code: str) -> Answer:
        return wire.sub_setting(verbs.sub_setting_of(semester, sub_theme_of(theme_code, sub_theme_code)))

    def put(self, request: HttpRequest, semester: str, theme_code: str, sub_theme_code: str) -> Answer:
        sub_theme = sub_theme_of(theme_code, sub_theme_code)
        values = reader.required(SubThemeSetting, self.body, "enabled")
        return wire.sub_setting(verbs.put_sub_setting(semester, sub_theme, values, self.by))

    def delete(self, request: HttpRequest, semester: str, theme_code: str, sub_theme_code: str) -> Answer:
        sub_theme = sub_theme_of(theme_code, sub_theme_code)
        verbs.delete_sub_setting(verbs.sub_setting_of(semester, sub_theme), self.by)
        return {"message": f"已刪除學年期 {semester} 的細項主題設定 {sub_theme.path}"}


class SemesterView(RegistryView):
    def get(self, request: HttpRequest, semester: str) -> Answer:
        found = _all_of(semester)
        if not found:
            raise Unknown(_("There are no settings in %(semester)s.") % {"semester": semester})
        return wire.overview(semester, found)


class CopySettingsView(RegistryView):
    def post(self, request: HttpRequest) -> Answer:
        source = reader.semester(self.body, "source_school_year_semester")
        target = reader.semester(self.body, "target_school_year_semester")
        done = verbs.copy_settings(source, target, self.by)
        return {
            "message": f"成功複製 {done.themes} 個主題設定到學年期 {target}",
            "themes_count": done.themes,
            "sub_themes_count": done.sub_themes,
            "deleted_themes_count": done.deleted_themes,
            "deleted_sub_themes_count": done.deleted_sub_themes,
        }
