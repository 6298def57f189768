"""Every write names its operator and proves it; what does not is 401, and changes nothing (wire facts, section 1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core import serializers
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Entry
from conftest import PASSWORD
from themes.models import CourseEntry, SubTheme, SubThemeSetting, Theme, ThemeSetting

from .registry import (
    REFUSED,
    THEME,
    Operator,
    answer,
    make_entry,
    make_setting,
    make_sub_theme,
    make_theme,
    send,
)

MODELS = (Theme, SubTheme, ThemeSetting, SubThemeSetting, CourseEntry)
PLACE = {"school_year_semester": "1132", "theme_code": "A101", "sub_theme_code": "01"}
ENTRY = PLACE | {"course_id": "CS101", "indicator_value": "9"}
COPY = {"source_school_year_semester": "1132", "target_school_year_semester": "1131"}
# Each would succeed with a token.
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/themes/", THEME | {"theme_code": "NEW"}),
    ("PUT", "/themes/A101", {"theme_name": "new"}),
    ("DELETE", "/themes/B1", {}),
    ("POST", "/sub_themes/", {"theme_code": "A101", "sub_theme_code": "9", "sub_theme_name": "n"}),
    ("PUT", "/sub_themes/A101/01", {"sub_theme_name": "new"}),
    ("DELETE", "/sub_themes/A101/02", {}),
    ("POST", "/school-year-theme-settings", {"school_year_semester": "1141", "theme_code": "A101"}),
    ("PUT", "/school-year-theme-settings/1132/A101", {"scale_max": 9}),
    ("DELETE", "/school-year-theme-settings/1132/A101", {}),
    ("POST", "/school-year-sub-theme-settings", PLACE | {"school_year_semester": "1141"}),
    ("PUT", "/school-year-sub-theme-settings/1132/A101/01", {"enabled": False}),
    ("DELETE", "/school-year-sub-theme-settings/1132/A101/01", {}),
    ("POST", "/school-years/copy-settings", COPY | {"target_school_year_semester": "1141"}),
    ("POST", "/course-entries/single", ENTRY),
    ("POST", "/course-entries", {"entries": [ENTRY]}),
    ("PUT", "/course-entries/{entry}", {"indicator_value": "9"}),
    ("DELETE", "/course-entries/{entry}", {}),
    ("POST", "/course-entries/copy", COPY | {"course_id": "CS101"}),
    # With a token these would be 404, 409, 422.
    ("DELETE", "/themes/NONE", {}),
    ("POST", "/themes/", THEME),
    ("PUT", "/school-year-theme-settings/11x3/A101", {"scale_max": 11}),
]


def token_of(user_id: str, day: str = "20260301") -> str:
    return hashlib.md5(f"{user_id}nchu{day}".encode()).hexdigest()


GOOD = token_of("user123")
# What stands in the body beside the fields.
WRONG: list[dict[str, Any]] = [
    {},
    {"user_id": "user123"},
    {"token": GOOD},
    {"user_id": "user123", "token": token_of("user456")},
    {"user_id": "user456", "token": GOOD},
    {"user_id": "user123", "token": token_of("user123", "20260228")},
    {"user_id": "user123", "token": token_of("user123", "20260302")},
    {"user_id": "user123", "token": GOOD.upper()},
    {"user_id": "user123", "token": f" {GOOD}"},
    {"user_id": "user123", "token": ""},
    {"user_id": "user123", "token": None},
    {"user_id": "user123", "token": [GOOD]},
    {"user_id": "user123", "token": "not hex"},
    {"user_id": "user123", "token": "é" * 32},
    {"user_id": "user123", "token": "0" * 10_000},
    {"user_id": "", "token": token_of("")},
    {"user_id": None, "token": token_of("None")},
    {"user_id": 7, "token": token_of("7")},
    {"user_id": True, "token": token_of("True")},
    {"user_id": "x" * 51, "token": token_of("x" * 51)},
    {"user_id": "x" * 10_000, "token": token_of("x" * 10_000)},
]


@pytest.fixture(autouse=True)
def _a_day(settings: Settings) -> Iterator[None]:
    settings.SCHEDULER_TIMEZONE = "Asia/Taipei"
    with time_machine.travel("2026-03-01 12:00:00+00:00", tick=False):
        yield


@pytest.fixture
def entry(db: None) -> CourseEntry:
    theme = make_theme()
    make_theme("B1")
    asked = make_sub_theme(theme)
    make_sub_theme(theme, "02")
    for semester in ("1131", "1132"):
        make_setting(semester, theme)
    return make_entry("CS101", "1132", asked)


def everything() -> str:
    rows = [row for model in MODELS for row in model.objects.order_by("pk")]
    return f"{serializers.serialize('json', rows)} {Entry.objects.count()}"


def sent(entry: CourseEntry, write: tuple[str, str, dict[str, Any]], signed: dict[str, Any]) -> Any:
    method, path, body = write
    return answer(send(Client(), method, path.format(entry=entry.uid), body | signed))


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write[0]} {write[1]}")
def test_no_write_goes_through_without_its_token(entry: CourseEntry, write: Any) -> None:
    before = everything()
    for wrong in WRONG:
        assert sent(entry, write, wrong) == (401, REFUSED), wrong
    assert everything() == before


@pytest.mark.parametrize("write", WRITES[:18], ids=lambda write: f"{write[0]} {write[1]}")
def test_every_write_leaves_an_entry_that_names_the_operator(entry: CourseEntry, write: Any) -> None:
    last = Entry.objects.latest("pk").pk
    method, path, body = write
    more = {"sub_theme_english_name": "n"} if path == "/sub_themes/" else {}
    signed = {"user_id": "王小明", "token": token_of("王小明")}
    status, _told = sent(entry, (method, path, body | more), signed)
    assert status in (200, 201)
    left = Entry.objects.filter(pk__gt=last)
    assert {(one.operator, one.actor, one.surface, one.address) for one in left} == {
        ("王小明", None, "themes", "127.0.0.1")
    }


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"null", b"7"])
def test_a_body_that_holds_no_token_is_refused_like_a_wrong_one(db: None, body: bytes) -> None:
    for method, path, _body in WRITES[:3]:
        assert answer(send(Client(), method, path, body)) == (401, REFUSED)


def test_a_token_in_a_header_or_in_the_address_is_none(entry: CourseEntry) -> None:
    headers = {"X-Operator-Id": "user123", "X-Operator-Token": GOOD}
    path = f"/themes/A101?user_id=user123&token={GOOD}"
    found = Client().put(path, {"theme_name": "x"}, content_type="application/json", headers=headers)
    assert answer(found) == (401, REFUSED)  # type: ignore[arg-type]


def test_the_session_of_a_page_is_worth_nothing_here(entry: CourseEntry, ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert answer(send(client, "DELETE", "/themes/B1", {})) == (401, REFUSED)
    signed = {"user_id": "user123", "token": GOOD}
    assert send(client, "DELETE", "/themes/B1", signed).status_code == 200
    left = Entry.objects.latest("pk")
    assert (left.operator, left.actor) == ("user123", None)


def test_a_bearer_token_neither_helps_nor_hinders(entry: CourseEntry, ada: User) -> None:
    login = {"username": "ada", "password": PASSWORD}
    access = Client().post("/api/auth/login", login, content_type="application/json").json()["access_token"]
    client = Client(headers={"Authorization": f"Bearer {access}"})
    assert send(client, "DELETE", "/themes/B1", {}).status_code == 401
    client = Client(headers={"Authorization": "Bearer nonsense"})
    assert send(client, "DELETE", "/themes/B1", {"user_id": "user123", "token": GOOD}).status_code == 200


def test_the_day_is_that_of_the_server(entry: CourseEntry) -> None:
    with time_machine.travel("2026-03-01 16:00:00+00:00", tick=False):  # midnight in Taipei
        assert sent(entry, WRITES[1], {"user_id": "user123", "token": GOOD})[0] == 401
        tomorrow = token_of("user123", "20260302")
        assert sent(entry, WRITES[1], {"user_id": "user123", "token": tomorrow})[0] == 200


def test_reading_and_exporting_take_no_token(entry: CourseEntry) -> None:
    client = Client()
    for path in (
        *("/themes/", "/themes/A101", "/sub_themes/", "/sub_themes/A101/01", "/school-years/1132"),
        *("/school-year-theme-settings/1132/A101", "/school-year-sub-theme-settings/1132/A101"),
        *("/course-entries?course_id=CS101", f"/course-entries/{entry.uid}"),
        *("/courses/CS101/school-years/1132/form-data", "/school-years/1132/export-csv"),
    ):
        assert client.get(path).status_code == 200, path
    span = {"school_year_semester_start": "1131", "school_year_semester_end": "1132"}
    assert send(client, "POST", "/school-years/export-csv", span).status_code == 200


def test_whose_token_is_good_is_told_by_its_own_route(db: None) -> None:
    client = Client()
    for body, valid in (({"user_id": "user123", "token": GOOD}, True), ({"user_id": "user123"}, False)):
        assert answer(send(client, "POST", "/token/verify", body)) == (200, {"result": {"valid": valid}})


def test_the_writer_stands_in_every_row(entry: CourseEntry) -> None:
    operator = Operator("user456")
    operator.put("/themes/A101", theme_name="new")
    theme = json.loads(operator.get("/themes/A101").content)["result"]
    assert (theme["created_by"], theme["updated_by"]) == ("seeder", "user456")
