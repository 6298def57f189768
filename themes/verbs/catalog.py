"""Themes and their sub themes (wire facts, sections 3 and 4)."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.record import Actor
from themes.models import SubTheme, Theme

from ..errors import Refused, Taken
from .rows import Values, add, current, lock, modify, remove


def create_theme(values: Values, by: Actor) -> Theme:
    """Raises Taken."""
    try:
        with transaction.atomic():
            return add(Theme(**values), by)
    except IntegrityError as error:
        raise _theme_taken(values) from error


def update_theme(theme: Theme, values: Values, by: Actor, seen: str = "") -> Theme:
    """Raises Unknown, Taken, Changed."""
    try:
        with transaction.atomic():
            return modify(lock(theme), values, by, seen=seen)
    except IntegrityError as error:
        raise _theme_taken(values) from error


def _theme_taken(values: Values) -> Taken:
    return Taken(_("There is a theme %(code)s already.") % {"code": values["theme_code"]})


@transaction.atomic
def delete_theme(theme: Theme, by: Actor) -> None:
    """With its settings. Raises Unknown, Refused while it has sub themes."""
    theme = lock(theme)
    if theme.sub_themes.exists():
        raise Refused(_("Theme %(code)s still has sub themes.") % {"code": theme.theme_code})
    semesters = list(theme.semester_settings.values_list("school_year_semester", flat=True))
    remove(theme, by, semesters=semesters)


@transaction.atomic
def create_sub_theme(theme: Theme, values: Values, by: Actor) -> SubTheme:
    """Raises Unknown, Taken."""
    theme = lock(theme)
    _must_be_free(theme, values["sub_theme_code"])
    return add(SubTheme(theme=theme, **values), by)


@transaction.atomic
def update_sub_theme(sub_theme: SubTheme, values: Values, by: Actor, seen: str = "") -> SubTheme:
    """Raises Unknown, Taken, Changed."""
    theme = lock(sub_theme.theme)
    sub_theme = current(sub_theme)
    if (code := values.get("sub_theme_code", sub_theme.sub_theme_code)) != sub_theme.sub_theme_code:
        _must_be_free(theme, code)
    return modify(sub_theme, values, by, seen=seen)


@transaction.atomic
def delete_sub_theme(sub_theme: SubTheme, by: Actor) -> None:
    """With its settings. Raises Unknown, Refused while courses have entries for it."""
    lock(sub_theme.theme)
    sub_theme = current(sub_theme)
    if sub_theme.entries.exists():
        raise Refused(_("Courses have entries for sub theme %(code)s.") % {"code": sub_theme.path})
    settings = sub_theme.semester_settings.values_list("school_year_semester", "enabled")
    remove(sub_theme, by, semesters=dict(settings))


def _must_be_free(theme: Theme, code: str) -> None:
    """The theme's lock is held, so the code cannot be taken meanwhile."""
    if theme.sub_themes.filter(sub_theme_code=code).exists():
        path = f"{theme.theme_code}/{code}"
        raise Taken(_("There is a sub theme %(code)s already.") % {"code": path})
