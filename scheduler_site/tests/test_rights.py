"""Every surface asks for permissions: where one is taken away from the role table, the doors that rights.txt names are shut.

Each line there is a permission, a verb and a route that an administrator passes with it and is refused without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.conf import settings

from accounts import roles
from scheduler_site.tests.matrix import World
from scheduler_site.tests.sources import python_files
from scheduler_site.tests.test_role_matrix import NAMED, expected, word, world

__all__ = ["world"]

LINES = [
    line.split()
    for line in Path(__file__).with_name("rights.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
SHUT = ("403", "404", "login")
# What they open shows in the answers instead: which rows there are, which fields, which links.
SEEN_IN_ANSWERS = {"accounts.view_category", "accounts.view_team", "jobs.view_all_jobs"}


def cells(permission: str) -> list[tuple[str, str]]:
    return [(verb, route) for named, verb, route in LINES if named == permission]


def without(permission: str) -> dict[str, frozenset[str]]:
    return {role: granted - {permission} for role, granted in roles.TABLE.items()}


def refused(world: World, asked: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    client = world.client("admin")
    return [(verb, route) for verb, route in asked if word(world.ask(client, verb, route, "admin")) in SHUT]


@pytest.mark.parametrize("permission", sorted({line[0] for line in LINES}))
def test_without_the_permission_its_doors_are_shut(
    world: World, monkeypatch: pytest.MonkeyPatch, permission: str
) -> None:
    monkeypatch.setattr(roles, "TABLE", without(permission))
    assert refused(world, cells(permission)) == cells(permission)


def test_every_permission_opens_something() -> None:
    assert roles.ADMIN - {line[0] for line in LINES} == SEEN_IN_ANSWERS


def test_no_surface_asks_for_a_role() -> None:
    """Only who is shown or changed has one there: the accounts of the inherited API."""
    asks = re.compile(r"user\.(is_admin|is_writer|is_staff|is_superuser|role\b)")
    surfaces = [
        path
        for path in python_files()
        if {"pages", "rest", "api", "views", "admin.py"} & set(path.relative_to(settings.BASE_DIR).parts)
    ]
    found = {
        str(path.relative_to(settings.BASE_DIR)) for path in surfaces if asks.search(path.read_text("utf-8"))
    }
    shown = {"accounts/rest/auth.py", "accounts/rest/wire.py", "compat/ndscheduler/views/users.py"}
    assert found == shown


def test_every_door_that_is_shut_to_viewers_asks_for_a_permission() -> None:
    named = {(verb, route) for _permission, verb, route in LINES}
    doors = {
        (cell.verb, cell.route)
        for cell in NAMED
        if cell.verb != "ANY"
        and expected(cell._replace(role="viewer")) == "403"
        and expected(cell._replace(role="admin")) not in (*SHUT, "405")
    }
    assert doors - named == set()
