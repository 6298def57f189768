"""Verbs for categories and teams: add, change, set members. Each is one transaction with its audit entry.

Jobs point to these rows, so a new name moves them along; nothing is ever removed, only disabled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from django.db import IntegrityError, transaction

from accounts.models import GENERAL, LONGEST_NAME, Category, Team, User, slugify
from audit.models import Entry
from audit.record import Actor, difference, record
from scheduler_site.lib.text import unseen

Row = TypeVar("Row", Category, Team)
RECORDED: Final = ("name", "slug", "description", "slack_handle", "is_active")
# Texts, and whether they may have several lines.
TEXTS: Final = {"name": False, "slack_handle": False, "description": True}


class NoSlug(Exception):
    """The text has no letter or digit (a-z, 0-9) that a slug could be made of, or too many."""


class InvisibleCharacter(NoSlug):
    """The text of this `field` has an invisible character, `sign`."""

    def __init__(self, field: str, sign: str) -> None:
        super().__init__(f"{field}: {sign}")
        self.field, self.sign = field, sign


class SlugTaken(Exception):
    """Another row has this slug, be it disabled."""


class NameIsFixed(Exception):
    """The category General keeps its name: jobs that name no category are looked for there."""


@transaction.atomic
def add(model: type[Row], name: str, *, by: Actor, slug: str = "", **fields: Any) -> Row:
    """Creates a row; without `slug` it is made from the name. Raises NoSlug, SlugTaken."""
    row = model(name=name, created_by=by.user, updated_by=by.user, **fields)
    readable({"name": name, **fields})
    row.slug = slug_of(row, name, slug)
    _save(row)
    record(Entry.Event.ADDED, row, by=by, changes=difference({}, _described(row)))
    return row


@transaction.atomic
def change(row: Row, values: Mapping[str, Any], *, by: Actor) -> tuple[Row, int]:
    """Changes fields; a new name makes a new slug, unless `slug` is among `values`.

    Returns the row, and how many jobs now have another slug. Raises NoSlug, SlugTaken, NameIsFixed.
    """
    row = type(row).objects.select_for_update().get(pk=row.pk)
    before, slug = _described(row), row.slug
    readable(values)
    if values.get("name", row.name) != row.name:
        values = {**values, "slug": slug_of(row, values["name"], values.get("slug", ""))}
    for field, value in values.items():
        setattr(row, field, value)
    if changes := difference(before, _described(row)):
        row.updated_by = by.user
        _save(row)
        record(Entry.Event.MODIFIED, row, by=by, changes=changes)
    return row, row.jobs.count() if row.slug != slug else 0


@transaction.atomic
def set_members(team: Team, members: Iterable[User], *, by: Actor) -> bool:
    """Sets the members of a team, who see the incidents of its jobs as theirs. False if nothing changes."""
    Team.objects.select_for_update().get(pk=team.pk)
    before = sorted(team.members.values_list("username", flat=True))
    team.members.set(members)
    after = sorted(team.members.values_list("username", flat=True))
    if before == after:
        return False
    team.updated_by = by.user
    team.save(update_fields=["updated_by", "updated_at"])
    changes = difference({"members": ", ".join(before)}, {"members": ", ".join(after)})
    record(Entry.Event.MODIFIED, team, by=by, changes=changes)
    return True


def readable(values: Mapping[str, Any]) -> None:
    """Raises InvisibleCharacter."""
    for field, lines in TEXTS.items():
        if sign := unseen(values.get(field) or "", lines=lines):
            raise InvisibleCharacter(field, sign)


def slug_of(row: Category | Team, name: str, slug: str = "") -> str:
    """The slug for this name: the given one, or one made from the name. Raises NoSlug, SlugTaken, NameIsFixed."""
    if isinstance(row, Category) and row.slug == GENERAL and row.pk:
        raise NameIsFixed
    found = slugify(slug or name)
    if not found or len(found) > LONGEST_NAME:
        raise NoSlug
    if type(row).objects.filter(slug=found).exclude(pk=row.pk).exists():
        raise SlugTaken
    return found


def _save(row: Category | Team) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise SlugTaken from error


def _described(row: Category | Team) -> dict[str, Any]:
    return {field: getattr(row, field) for field in RECORDED if hasattr(row, field)}
