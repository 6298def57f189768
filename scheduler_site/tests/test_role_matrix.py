"""Who gets through where: every route, every verb, every kind of account, held against role_matrix.txt.

What the table does not name is refused, and a route that is missing there fails. Whoever is refused, and whoever only
reads, writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.contrib import admin
from django.http import HttpResponse
from django.urls import get_resolver
from django.urls.resolvers import URLPattern

from compat.conda_tasks.tests import matrix as conda_matrix
from executions.monitoring import health
from notifications.channels.service import Service
from scheduler_site.tests.matrix import MACHINES, World, make_world

TABLES = [Path(__file__).with_name("role_matrix.txt")]
if settings.THEMES_ENABLED:
    TABLES.append(settings.BASE_DIR / "themes" / "tests" / "role_matrix.txt")
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LOGGED_OUT = ("nobody", "inactive")
REFUSALS = ("login", "401", "403", "404", "405")
# Rows that the first look makes (v2 wire facts, 4.1 and 10.1).
MADE_BY_READING = {"accounts_preferences", "notifications_slacksettings"}
# Logging out leads to the login as well.
NO_REFUSAL = (("POST", "/logout"), ("POST", "/logout/"), ("POST", "/sessions/end"))
# Verbs without a line of their own are tried as these: whoever may do something there, the admin may.
SAMPLE = ("nobody", "admin")


class Cell(NamedTuple):
    verb: str
    route: str
    role: str


def read_table() -> tuple[list[str], dict[Cell, str]]:
    """The roles, and the answers by cell."""
    text = "\n".join(table.read_text() for table in TABLES)
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    roles = lines[0][2:]
    named: dict[Cell, str] = {}
    for verb, route, *answers in lines[1:]:
        assert Cell(verb, route, roles[0]) not in named, f"{verb} {route} is there twice"
        named |= {Cell(verb, route, role): word for role, word in zip(roles, answers, strict=True)}
    return roles, named


ROLES, NAMED = read_table()


def expected(cell: Cell) -> str:
    page = not cell.route.startswith(MACHINES)
    refused = "login" if page and cell.role in LOGGED_OUT else "405"
    return NAMED.get(cell) or NAMED.get(cell._replace(verb="ANY"), refused)


def routes(patterns: Iterable[Any] | None = None, prefix: str = "/") -> Iterator[str]:
    """Every route of the site; of the Django admin its first page alone."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLPattern) or pattern.app_name == admin.site.name:
            yield path
        elif path != "/api/":  # the list of /api/v2/ once more
            yield from routes(pattern.url_patterns, path)


def word(answer: HttpResponse) -> str:
    target = answer.headers.get("Location", "").partition("?")[0].rstrip("/")
    # The login itself, which carries what was to be sent.
    keeps = answer.status_code == 401 and not answer.streaming and b'name="kept"' in answer.content
    sent_there = answer.status_code == 302 and target.endswith("/login")
    return "login" if keeps or sent_there else str(answer.status_code)


def unduly(cell: Cell, answer: str, written: set[str]) -> set[str]:
    """The tables that a request wrote into although it was refused, or asked to read only."""
    if answer in REFUSALS and (cell.verb, cell.route) not in NO_REFUSAL:
        return written
    return written - MADE_BY_READING if cell.verb == "GET" else set()


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(health, "report", lambda *_now: health.Health())
    monkeypatch.setattr(Service, "send", lambda *_: None)
    conda_matrix.no_workers(monkeypatch)
    return make_world()


def test_the_table_names_every_route_and_no_other() -> None:
    assert {cell.route for cell in NAMED} == set(routes())


def test_both_prefixes_of_the_api_serve_the_same_list() -> None:
    lists: dict[str, Any] = {str(one.pattern): one for one in get_resolver().url_patterns}
    assert lists["api/"].url_patterns is lists["api/v2/"].url_patterns


@pytest.mark.parametrize("role", ROLES)
def test_everybody_gets_through_where_the_table_says_so(world: World, role: str) -> None:
    client = world.client(role)
    if role == "inactive":
        world.deactivate(role)
    wrong: dict[Cell, str] = {}
    for route in set(routes()):
        for cell in (Cell(verb, route, role) for verb in VERBS):
            if cell not in NAMED and role not in SAMPLE:
                continue
            answer = word(world.ask(client, *cell))
            if answer != expected(cell):
                wrong[cell] = f"{answer} instead of {expected(cell)}"
            elif tables := unduly(cell, answer, world.written):
                wrong[cell] = f"wrote into {tables}"
    assert wrong == {}


def test_what_changes_something_on_a_page_needs_the_token_of_its_form(world: World) -> None:
    role = "admin"
    client = world.client(role)
    client.handler.enforce_csrf_checks = True
    pages = {cell.route for cell in NAMED if not cell.route.startswith(MACHINES)}
    posted = [Cell("POST", route, role) for route in sorted(pages) if Cell("POST", route, role) in NAMED]
    answers = {cell.route: word(world.ask(client, *cell)) for cell in posted}
    assert {route: answer for route, answer in answers.items() if answer != "403"} == {}
