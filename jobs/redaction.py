"""Hides the names of upstream jobs in the audit trail from readers who may not see those jobs.

A job may follow another one that only administrators see; its entries and versions name that one. They are left as they are
written, and told without it. For readers who see everything nothing is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import home_category
from audit.models import Entry
from jobs.models import Job

EDGE = re.compile(r"(?P<name>.*) \((?P<on>success|failure|finish)\)", re.DOTALL)
DELETED = re.compile(r"(?P<name>.*) was deleted", re.DOTALL)
Entries = TypeVar("Entries", bound="Iterable[Entry]")


def for_reader(entries: Entries, user: User) -> Entries:
    """The same entries, not to be saved, with nothing in them that `user` may not see."""
    if home_category(user) is None:
        return entries
    found = list(entries)
    names = {name for entry in found for name in _names(entry)}
    seen = (
        set(Job.objects.visible_to(user).filter(name__in=names).values_list("name", flat=True))
        if names
        else set()
    )
    for entry in found:
        if hidden := set(_names(entry)) - seen:
            _hide(entry, hidden)
    return entries


def _names(entry: Entry) -> Iterable[str]:
    change = entry.changes.get("depends_on")
    for side in ("old", "new"):
        edges = change.get(side) if isinstance(change, dict) else None
        for edge in edges if isinstance(edges, list) else ():
            if match := EDGE.fullmatch(str(edge)):
                yield match["name"]
    for edge in _followed(entry):
        yield str(edge.get("name"))
    if change and (match := DELETED.fullmatch(entry.description)):
        yield match["name"]


def _followed(entry: Entry) -> list[dict[str, Any]]:
    # What was not read is not told either.
    if "snapshot" in entry.get_deferred_fields():
        return []
    edges = (entry.snapshot or {}).get("depends_on")
    return [edge for edge in edges if isinstance(edge, dict)] if isinstance(edges, list) else []


def _hide(entry: Entry, hidden: set[str]) -> None:
    other = _("another job")
    if isinstance(change := entry.changes.get("depends_on"), dict):
        sides = {side: _edges(change.get(side), hidden, other) for side in ("old", "new")}
        entry.changes = entry.changes | {"depends_on": sides}
    if edges := _followed(entry):
        told = [edge | {"name": other, "job": None} if edge.get("name") in hidden else edge for edge in edges]
        entry.snapshot = (entry.snapshot or {}) | {"depends_on": told}
    match = DELETED.fullmatch(entry.description)
    if match and match["name"] in hidden:
        entry.description = f"{other} was deleted"


def _edges(edges: Any, hidden: set[str], other: str) -> Any:
    if not isinstance(edges, list):
        return edges
    told = []
    for edge in edges:
        match = EDGE.fullmatch(str(edge))
        told.append(f"{other} ({match['on']})" if match and match["name"] in hidden else edge)
    return told
