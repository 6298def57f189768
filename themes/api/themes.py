"""/themes/ and /sub_themes/ (wire facts, sections 3 and 4): answers stand in `{"result": ...}`."""

from __future__ import annotations

from django.http import HttpRequest

from themes.models import SubTheme, Theme
from themes.verbs import catalog
from themes.verbs.rows import sub_theme_of, theme_of

from . import reader, wire
from .base import Answer, RegistryView

THEME_NEEDS = ("theme_code", "theme_name", "theme_short_name", "theme_english_name")
LINKS = ("chinese_link", "english_link")
SUB_THEME_NEEDS = ("sub_theme_code", "sub_theme_name", "sub_theme_english_name")
CONTENTS = ("sub_theme_content", "sub_theme_english_content")


class ThemesView(RegistryView):
    def get(self, request: HttpRequest) -> Answer:
        return {"result": {"themes": [wire.theme(one) for one in Theme.objects.all()]}}

    def post(self, request: HttpRequest) -> Answer:
        values = reader.required(Theme, self.body, *THEME_NEEDS) | reader.optional(Theme, self.body, LINKS)
        made = catalog.create_theme(values, self.by)
        return 201, {"result": wire.theme_done(made, f"已建立主題 {made.theme_code}")}


class ThemeView(RegistryView):
    def get(self, request: HttpRequest, theme_code: str) -> Answer:
        return {"result": wire.theme(theme_of(theme_code))}

    def put(self, request: HttpRequest, theme_code: str) -> Answer:
        theme = theme_of(theme_code)
        values = reader.optional(Theme, self.body, Theme.FIELDS)
        saved = catalog.update_theme(theme, values, self.by)
        return {"result": wire.theme_done(saved, f"已更新主題 {saved.theme_code}")}

    def delete(self, request: HttpRequest, theme_code: str) -> Answer:
        theme = theme_of(theme_code)
        catalog.delete_theme(theme, self.by)
        message = f"已刪除主題 {theme.theme_code}"
        return {"result": {"id": str(theme.uid), "theme_code": theme.theme_code, "message": message}}


class SubThemesView(RegistryView):
    """All of them, or those of one theme."""

    def get(self, request: HttpRequest) -> Answer:
        found = SubTheme.objects.select_related("theme")
        return {"result": {"sub_themes": [wire.sub_theme(one) for one in found]}}

    def post(self, request: HttpRequest) -> Answer:
        code = reader.required(Theme, self.body, "theme_code")["theme_code"]
        values = reader.required(SubTheme, self.body, *SUB_THEME_NEEDS)
        values |= reader.optional(SubTheme, self.body, CONTENTS)
        made = catalog.create_sub_theme(theme_of(code), values, self.by)
        return 201, {"result": wire.sub_theme_done(made, f"已建立細項主題 {made.path}")}


class SubThemesOfView(RegistryView):
    def get(self, request: HttpRequest, theme_code: str) -> Answer:
        found = theme_of(theme_code).sub_themes.select_related("theme")
        return {"result": {"sub_themes": [wire.sub_theme(one) for one in found]}}


class SubThemeView(RegistryView):
    def get(self, request: HttpRequest, theme_code: str, sub_theme_code: str) -> Answer:
        return {"result": wire.sub_theme(sub_theme_of(theme_code, sub_theme_code))}

    def put(self, request: HttpRequest, theme_code: str, sub_theme_code: str) -> Answer:
        sub_theme = sub_theme_of(theme_code, sub_theme_code)
        values = reader.optional(SubTheme, self.body, SubTheme.FIELDS)
        saved = catalog.update_sub_theme(sub_theme, values, self.by)
        return {"result": wire.sub_theme_done(saved, f"已更新細項主題 {saved.path}")}

    def delete(self, request: HttpRequest, theme_code: str, sub_theme_code: str) -> Answer:
        sub_theme = sub_theme_of(theme_code, sub_theme_code)
        catalog.delete_sub_theme(sub_theme, self.by)
        return {
            "result": {
                "id": str(sub_theme.uid),
                "theme_code": theme_code,
                "sub_theme_code": sub_theme_code,
                "message": f"已刪除細項主題 {sub_theme.path}",
            }
        }
