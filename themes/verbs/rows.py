"""What all verbs are made of: rows looked up by their codes, locks, and each change with its stamp and its audit entry."""

from __future__ import annotations

from typing import Any, TypeVar

from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import Actor, difference, record
from themes.models import SubTheme, Theme, Traced

from ..errors import Changed, Unknown

Row = TypeVar("Row", bound=Traced)
Values = dict[str, Any]


def writer(by: Actor) -> str:
    """Who stands in `created_by` and `updated_by`: the operator, or the account of the pages."""
    return by.operator or by.name


# Look up -----------------------------------------------------------------------------------------------------------


def theme_of(code: str) -> Theme:
    """Compared here too: a database may ignore case. Raises Unknown."""
    found = Theme.objects.filter(theme_code=code).first()
    if found is None or found.theme_code != code:
        raise Unknown(_("There is no theme %(code)s.") % {"code": code[:50]})
    return found


def sub_theme_of(theme_code: str, code: str) -> SubTheme:
    """Raises Unknown."""
    theme = theme_of(theme_code)
    found = SubTheme.objects.filter(theme=theme, sub_theme_code=code).select_related("theme").first()
    if found is None or found.sub_theme_code != code:
        path = f"{theme_code}/{code[:50]}"
        raise Unknown(_("There is no sub theme %(code)s.") % {"code": path})
    return found


# Lock --------------------------------------------------------------------------------------------------------------


def lock(theme: Theme) -> Theme:
    """Locks and returns the theme; it and its sub themes cannot change until the transaction ends. Raises Unknown."""
    found = Theme.objects.select_for_update().filter(pk=theme.pk).first()
    if found is None:
        raise Unknown(_("There is no theme %(code)s.") % {"code": theme.theme_code})
    return found


def lock_all() -> None:
    """The same for all themes, always in this order: two that do so wait for each other, and none for ever."""
    list(Theme.objects.select_for_update().order_by("pk").values_list("pk"))


def current(row: Row) -> Row:
    """The row as it is now, once its theme is locked. Raises Unknown."""
    found = type(row)._default_manager.filter(pk=row.pk).first()
    if found is None:
        raise Unknown(_("%(name)s is not there any more.") % {"name": row})
    return found


# Change ------------------------------------------------------------------------------------------------------------


def state(row: Traced) -> Values:
    """What a write may set, as it is."""
    return {field: getattr(row, field) for field in row.FIELDS}


def add(row: Row, by: Actor, **more: Any) -> Row:
    """Stores a new row; `more` stands in the audit entry as well."""
    row.created_by = row.updated_by = writer(by)
    row.save(force_insert=True)
    record(Entry.Event.ADDED, row, by=by, changes=difference({}, state(row) | more))
    return row


def modify(row: Row, values: Values, by: Actor, *, seen: str = "", **changes: Any) -> Row:
    """Every accepted write names its writer, also one that changes nothing else; `changes` stand in the entry as well.

    `seen`: the version that the writer knows, where that matters. Raises Changed when it is another one now.
    """
    if seen and seen != row.version:
        text = _("%(name)s has changed this since you opened the page. Save again to overwrite it.")
        raise Changed(text % {"name": row.updated_by}, row.version)
    before = state(row)
    for field, value in values.items():
        setattr(row, field, value)
    row.updated_by = writer(by)
    row.save()
    record(Entry.Event.MODIFIED, row, by=by, changes=difference(before, state(row)) | changes)
    return row


def remove(row: Traced, by: Actor, **more: Any) -> None:
    record(Entry.Event.DELETED, row, by=by, changes=difference(state(row) | more, {}))
    row.delete()
