"""The documentation is part of the product: its pages can be read, searched and followed."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from accounts.models import User
from scheduler_site.help import manuals

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client: Client, uma: User) -> Client:
    client.force_login(uma)
    return client


@pytest.mark.parametrize("name", manuals.names())
def test_every_manual_has_a_page_with_its_title(reader: Client, name: str) -> None:
    book = manuals.book(name)
    assert book is not None
    page = reader.get(f"/help/{name}").content.decode()
    assert f"{book.title} · Belfry</title>" in unescape(page)
    assert "style=" not in book.html


def test_every_link_between_the_manuals_leads_to_a_heading_that_is_there() -> None:
    targets = {
        f"/help/{name}": {section.anchor for section in book.sections}
        for name in manuals.names()
        if (book := manuals.book(name))
    }
    for name in manuals.names():
        for path, anchor in re.findall(r'href="(/help/[^"#]*)?#?([^"]*)"', str(manuals.book(name).html)):  # type: ignore[union-attr]
            if path:
                assert path in targets, name
                assert not anchor or anchor in targets[path], f"{name}: {path}#{anchor}"


def test_the_list_names_every_manual_once(reader: Client) -> None:
    page = reader.get("/help").content.decode()
    for name in manuals.names():
        assert page.count(f'href="/help/{name}"') == (
            2 if name == "moving-from-cron" else 1
        )  # the menu names one


def test_a_search_leads_to_the_sections_with_all_its_words(reader: Client) -> None:
    page = reader.get("/help", {"q": "duplicate READ committed"}).content.decode()
    assert "Nothing in the documentation" in page or 'class="found"' in page
    hits = manuals.search("read committed")
    assert hits
    assert all("read" in f"{hit.section.heading} {hit.section.text}".lower() for hit in hits)
    assert f'href="{hits[0].url}"' in reader.get("/help", {"q": "read committed"}).content.decode()


def test_what_is_searched_for_is_inert(reader: Client) -> None:
    page = reader.get("/help", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page
    assert "Nothing in the documentation contains" in page


@pytest.mark.parametrize("name", ["nowhere", "README", "..", "a" * 300])
def test_what_is_no_manual_is_not_found(reader: Client, name: str) -> None:
    assert reader.get(f"/help/{name}").status_code == 404


def test_html_in_a_manual_is_shown_as_text() -> None:
    parser_output = [str(manuals.book(name).html) for name in manuals.names()]  # type: ignore[union-attr]
    assert not [html for html in parser_output if re.search(r"<(script|iframe|img|style)\b", html)]
