"""The four languages of the pages, and the one of the API."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from accounts.models import User
from conftest import Api
from executions.monitoring import health
from jobs.tests.pages import browser

TRANSLATED = [code for code, _name in settings.LANGUAGES if code != "en"]
APPS = (
    "accounts",
    "audit",
    "notifications",
    "environments",
    "jobs",
    "executions",
    "themes",
    "scheduler_site",
)
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
MARKS_WITH_CONTEXT = {"pgettext", "pgettext_lazy"}
MARKING = re.compile(rf"\b(?:{'|'.join(MARKS | MARKS_WITH_CONTEXT)})\s*\(")
# Between the context of a text and the text, as gettext writes it.
CONTEXT = "\x04"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|</?\w+>")
STRING = r"""u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
MARKED = re.compile(rf"(?<!p)gettext\({STRING}")
MARKED_WITH_CONTEXT = re.compile(rf"pgettext\({STRING}, {STRING}")

every_language = pytest.mark.parametrize("code", TRANSLATED)
Texts = dict[str, str]  # a text and its translation; of a plural, the singular


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_broker", lambda: health.Check("broker", False, health.NO_ANSWER))


def catalog(code: str, kind: str) -> Path:
    return settings.BASE_DIR / "locale" / to_locale(code) / "LC_MESSAGES" / f"django.{kind}"


def entries(code: str) -> Iterator[Texts]:
    """The entries of a .po file as `{keyword: text}`."""
    for block in catalog(code, "po").read_text(encoding="utf-8").split("\n\n"):
        entry: Texts = {}
        keyword = ""
        for line in block.splitlines():
            if line.startswith("#"):
                entry["flags"] = entry.get("flags", "") + line
                continue
            word, quote, text = line.partition('"')
            keyword = word.strip() or keyword
            entry[keyword] = entry.get(keyword, "") + ast.literal_eval(quote + text)
        if entry.get("msgid"):
            yield entry


def key_of(entry: Texts) -> str:
    return f"{entry['msgctxt']}{CONTEXT}{entry['msgid']}" if "msgctxt" in entry else entry["msgid"]


@cache
def written(code: str) -> Texts:
    return {key_of(entry): entry.get("msgstr", entry.get("msgstr[0]", "")) for entry in entries(code)}


@cache
def marked() -> set[str]:
    """The texts that the sources mark for translation."""
    sources = [path for app in APPS for path in (settings.BASE_DIR / app).rglob("*.py")]
    # Parsing the many files without such a call would take seconds.
    marking = [text for path in sources if MARKING.search(text := path.read_text(encoding="utf-8"))]
    nodes = (node for text in marking for node in ast.walk(ast.parse(text)))
    texts = {text for node in nodes if isinstance(node, ast.Call) and (text := marked_by(node))}
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        source = templatize(path.read_text(encoding="utf-8"), origin=path.name)
        texts |= {ast.literal_eval(text) for text in MARKED.findall(source)}
        for context, text in MARKED_WITH_CONTEXT.findall(source):
            texts.add(f"{ast.literal_eval(context)}{CONTEXT}{ast.literal_eval(text)}")
    return texts - {""}


def marked_by(call: ast.Call) -> str:
    """The text that a call marks, with its context; empty for other calls."""
    name = getattr(call.func, "id", "")
    wanted = 1 if name in MARKS else 2 if name in MARKS_WITH_CONTEXT else 0
    literals = [one.value for one in call.args[:wanted] if isinstance(one, ast.Constant)]
    return CONTEXT.join(map(str, literals)) if wanted and len(literals) == wanted else ""


# The catalogs ------------------------------------------------------------------------------------------------------


@every_language
def test_every_text_of_the_sources_is_in_the_catalog(code: str) -> None:
    assert len(marked()) > 300
    assert marked() - set(written(code)) == set()


@every_language
def test_every_entry_is_translated_and_none_is_a_guess(code: str) -> None:
    assert [text for text, translation in written(code).items() if not translation.strip()] == []
    assert [entry["msgid"] for entry in entries(code) if "fuzzy" in entry.get("flags", "")] == []


@every_language
def test_placeholders_and_markup_survive_translation(code: str) -> None:
    for entry in entries(code):
        text, translation = entry.get("msgid_plural", entry["msgid"]), written(code)[key_of(entry)]
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(translation)), text


@every_language
def test_the_compiled_catalog_says_what_the_written_one_says(code: str) -> None:
    with catalog(code, "mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in entries(code):
        plural = entry.get("msgid_plural")
        key = key_of(entry)
        said = compiled.ngettext(key, plural, 2) if plural else compiled.gettext(key)
        assert said == written(code)[key]
    keys: dict[Any, str] = compiled._catalog  # type: ignore[attr-defined]
    assert {key[0] if isinstance(key, tuple) else key for key in keys} - {""} == set(written(code))


@every_language
def test_catalogs_name_no_person_and_no_machine(code: str) -> None:
    header = catalog(code, "po").read_text(encoding="utf-8").split("\n\n")[0]
    assert "@" not in header
    assert not re.search(r"^#|Last-Translator|Date", header, re.MULTILINE)


# The pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "login", "dashboard"),
    [
        ("en", "Log in", "Dashboard"),
        ("zh-hant", "登入", "儀表板"),
        ("zh-hans", "登录", "仪表板"),
        ("ja", "ログイン", "ダッシュボード"),
    ],
)
def test_pages_speak_the_language_of_the_cookie_or_of_the_browser(
    code: str, login: str, dashboard: str, vic: User
) -> None:
    chosen = browser(vic)
    chosen.cookies[settings.LANGUAGE_COOKIE_NAME] = code
    pages = {
        Client().get("/login", headers={"Accept-Language": code}): login,
        browser(vic).get("/", headers={"Accept-Language": code}): dashboard,
        chosen.get("/", headers={"Accept-Language": "fr"}): dashboard,
    }
    for response, title in pages.items():
        text = response.content.decode()
        assert f'<html lang="{code}"' in text
        assert f"<title>{title} · Belfry</title>" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "code"), [("zh-TW", "zh-hant"), ("zh-HK", "zh-hant"), ("zh-CN", "zh-hans"), ("ja-JP", "ja")]
)
def test_regions_lead_to_their_script(asked: str, code: str) -> None:
    text = Client().get("/login", headers={"Accept-Language": asked}).content.decode()
    assert f'<html lang="{code}"' in text


@pytest.mark.django_db
def test_the_dashboard_names_what_is_not_well_in_the_readers_language(vic: User) -> None:
    text = browser(vic).get("/", headers={"Accept-Language": "ja"}).content.decode()
    assert "スケジューラー" in text
    assert "停止中" in text
    assert "not running" not in text


# The API -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/jobs", "/api/v2/jobs"])
@pytest.mark.parametrize(
    ("change", "ours_or_djangos"),
    [
        ({"target_url": "ftp://1.1.1.1/"}, "Only http and https URLs can be called."),
        ({"name": "x" * 300}, "Ensure this value has at most 200 characters"),
    ],
)
def test_the_api_speaks_english_whatever_the_reader_speaks(
    path: str, change: Texts, ours_or_djangos: str, uma: User, api: Api
) -> None:
    body = {"name": "a", "cron_expression": "* * * * *", "target_url": "https://1.1.1.1/"} | change
    client = api(uma)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "ja"
    response = client.post(path, body, format="json", headers={"Accept-Language": "ja"})
    assert response.status_code == 400
    assert ours_or_djangos in response.json()["message"]
    assert response.headers["Content-Language"] == "en"
