"""A client of the dialect, and rows to begin with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from audit.record import Actor
from scheduler_site.rest.operator_tokens import expected
from themes.models import CourseEntry, SubTheme, Theme, ThemeSetting
from themes.verbs import catalog, semesters

REFUSED = {"detail": "Token 驗證失敗"}
THEME = {
    "theme_code": "A101",
    "theme_name": "聯合國全球永續發展目標",
    "theme_short_name": "SDGs",
    "theme_english_name": "SDGs",
    "chinese_link": "https://globalgoals.tw/",
    "english_link": None,
}
BY = Actor(None, "themes", None, "seeder")


@dataclass
class Operator:
    """Signs what it writes."""

    user_id: str = "user123"
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def get(self, path: str, **query: str) -> HttpResponse:
        return self.client.get(path, query)  # type: ignore[return-value]

    def post(self, path: str, **body: Any) -> HttpResponse:
        return self.send("POST", path, body)

    def put(self, path: str, **body: Any) -> HttpResponse:
        return self.send("PUT", path, body)

    def delete(self, path: str, **body: Any) -> HttpResponse:
        return self.send("DELETE", path, body)

    def send(self, method: str, path: str, body: dict[str, Any]) -> HttpResponse:
        signed = {"user_id": self.user_id, "token": expected(self.user_id)} | body
        return send(self.client, method, path, signed)


def send(client: Client, method: str, path: str, body: Any) -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic(method, path, content, "application/json")  # type: ignore[return-value]


def answer(response: HttpResponse) -> tuple[int, Any]:
    return response.status_code, json.loads(response.content)


def make_theme(code: str = "A101", **values: Any) -> Theme:
    return catalog.create_theme(THEME | {"theme_code": code, "theme_name": f"Theme {code}"} | values, BY)


def make_sub_theme(theme: Theme, code: str = "01") -> SubTheme:
    name = f"Sub {theme.theme_code}/{code}"
    values = {"sub_theme_code": code, "sub_theme_name": name, "sub_theme_english_name": name}
    return catalog.create_sub_theme(theme, values, BY)


def make_setting(semester: str, theme: Theme, **values: Any) -> ThemeSetting:
    """With each sub theme enabled that the theme has by now."""
    return semesters.create_setting(semester, theme, values, BY)


def make_entry(course: str, semester: str, sub_theme: SubTheme, **values: Any) -> CourseEntry:
    values = {"indicator_value": "1", "created_by": "seeder", "updated_by": "seeder"} | values
    return CourseEntry.objects.create(
        course_id=course, school_year_semester=semester, sub_theme=sub_theme, **values
    )
