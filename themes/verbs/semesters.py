"""What a semester asks: settings of themes and of sub themes, and their copy (wire facts, section 5)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import Actor, difference, record
from themes.models import SubTheme, SubThemeSetting, Theme, ThemeSetting

from ..errors import Refused, Taken, Unknown
from .rows import Values, add, current, lock, lock_all, modify, remove, state, writer


def setting_of(semester: str, theme: Theme) -> ThemeSetting:
    """Raises Unknown."""
    found = ThemeSetting.objects.filter(school_year_semester=semester, theme=theme).first()
    if found is None:
        names = {"code": theme.theme_code, "semester": semester}
        raise Unknown(_("Theme %(code)s has no setting in %(semester)s.") % names)
    return found


def sub_setting_of(semester: str, sub_theme: SubTheme) -> SubThemeSetting:
    """Raises Unknown."""
    found = SubThemeSetting.objects.filter(school_year_semester=semester, sub_theme=sub_theme).first()
    if found is None:
        names = {"code": sub_theme.path, "semester": semester}
        raise Unknown(_("Sub theme %(code)s has no setting in %(semester)s.") % names)
    return found


# Themes ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def create_setting(semester: str, theme: Theme, values: Values, by: Actor) -> ThemeSetting:
    """And an enabled setting for each sub theme that has none. Raises Unknown, Taken."""
    theme = lock(theme)
    if theme.semester_settings.filter(school_year_semester=semester).exists():
        names = {"code": theme.theme_code, "semester": semester}
        raise Taken(_("Theme %(code)s has a setting in %(semester)s already.") % names)
    missing = theme.sub_themes.exclude(semester_settings__school_year_semester=semester)
    made = _add_sub_settings(semester, dict.fromkeys(missing, True), by)
    setting = ThemeSetting(school_year_semester=semester, theme=theme, **values)
    return add(setting, by, sub_themes=_shown(made))


@transaction.atomic
def update_setting(
    setting: ThemeSetting, values: Values, by: Actor, enabled: Collection[int] | None = None, seen: str = ""
) -> ThemeSetting:
    """`enabled`: the sub themes (keys) that are on, all others are off; None leaves them as they are.

    Raises Unknown, Changed.
    """
    theme = lock(setting.theme)
    setting = current(setting)
    changes = {} if enabled is None else _switch(setting.school_year_semester, theme, set(enabled), by)
    return modify(setting, values, by, seen=seen, **changes)


def _switch(semester: str, theme: Theme, enabled: set[int], by: Actor) -> dict[str, dict[str, bool | None]]:
    """Turns the sub themes on or off; what changed, by code."""
    stored = {
        one.sub_theme_id: one
        for one in SubThemeSetting.objects.filter(school_year_semester=semester, sub_theme__theme=theme)
    }
    before, after = {}, {}
    for sub_theme in theme.sub_themes.all():
        wanted = sub_theme.pk in enabled
        found = stored.get(sub_theme.pk)
        before[sub_theme.sub_theme_code] = found.enabled if found else None
        after[sub_theme.sub_theme_code] = wanted
        if found is None:
            _add_sub_settings(semester, {sub_theme: wanted}, by)
        elif found.enabled != wanted:
            found.enabled, found.updated_by = wanted, writer(by)
            found.save()
    return difference(before, after)


@transaction.atomic
def delete_setting(setting: ThemeSetting, by: Actor) -> None:
    """With the settings of its sub themes there; what courses entered stays. Raises Unknown."""
    lock(setting.theme)
    setting = current(setting)
    semester = setting.school_year_semester
    below = SubThemeSetting.objects.filter(
        school_year_semester=semester, sub_theme__theme=setting.theme
    ).select_related("sub_theme")
    shown = {one.sub_theme.sub_theme_code: one.enabled for one in below}
    below.delete()
    remove(setting, by, sub_themes=shown)


# Sub themes --------------------------------------------------------------------------------------------------------


@transaction.atomic
def create_sub_setting(semester: str, sub_theme: SubTheme, values: Values, by: Actor) -> SubThemeSetting:
    """Raises Unknown, Taken."""
    lock(sub_theme.theme)
    sub_theme = current(sub_theme)
    if sub_theme.semester_settings.filter(school_year_semester=semester).exists():
        names = {"code": sub_theme.path, "semester": semester}
        raise Taken(_("Sub theme %(code)s has a setting in %(semester)s already.") % names)
    return add(SubThemeSetting(school_year_semester=semester, sub_theme=sub_theme, **values), by)


@transaction.atomic
def put_sub_setting(semester: str, sub_theme: SubTheme, values: Values, by: Actor) -> SubThemeSetting:
    """Creates it where there is none. Raises Unknown."""
    lock(sub_theme.theme)
    sub_theme = current(sub_theme)
    found = sub_theme.semester_settings.filter(school_year_semester=semester).first()
    if found is None:
        return add(SubThemeSetting(school_year_semester=semester, sub_theme=sub_theme, **values), by)
    return modify(found, values, by)


@transaction.atomic
def delete_sub_setting(setting: SubThemeSetting, by: Actor) -> None:
    """Raises Unknown."""
    lock(setting.sub_theme.theme)
    remove(current(setting), by)


def _add_sub_settings(semester: str, enabled: dict[SubTheme, bool], by: Actor) -> list[SubThemeSetting]:
    name = writer(by)
    rows = [
        SubThemeSetting(
            school_year_semester=semester, sub_theme=one, enabled=on, created_by=name, updated_by=name
        )
        for one, on in enabled.items()
    ]
    return SubThemeSetting.objects.bulk_create(rows)


def _shown(settings: list[SubThemeSetting]) -> dict[str, bool]:
    return {one.sub_theme.sub_theme_code: one.enabled for one in settings}


# Copy --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CopiedSettings:
    themes: int
    sub_themes: int
    deleted_themes: int
    deleted_sub_themes: int


@transaction.atomic
def copy_settings(source: str, target: str, by: Actor) -> CopiedSettings:
    """The target's settings are replaced by the source's. Raises Refused when that has none, or is the target."""
    if source == target:
        raise Refused(_("Source and target are the same semester."))
    lock_all()
    found = list(ThemeSetting.objects.filter(school_year_semester=source).select_related("theme"))
    if not found:
        raise Refused(_("There are no settings in %(semester)s.") % {"semester": source})
    before = _all_of(target)
    deleted_sub_themes, _kinds = SubThemeSetting.objects.filter(school_year_semester=target).delete()
    deleted_themes, _kinds = ThemeSetting.objects.filter(school_year_semester=target).delete()
    name = writer(by)
    copies = [
        ThemeSetting(
            school_year_semester=target, theme=one.theme, created_by=name, updated_by=name, **state(one)
        )
        for one in found
    ]
    ThemeSetting.objects.bulk_create(copies)
    made = _copy_sub_settings(source, target, [one.theme_id for one in found], by)
    copied = CopiedSettings(len(copies), made, deleted_themes, deleted_sub_themes)
    event = Entry.Event.MODIFIED if before else Entry.Event.ADDED
    changes = difference(before, _all_of(target))
    place = ThemeSetting(school_year_semester=target)
    record(event, place, by=by, changes=changes, description=f"{source} → {target}")
    return copied


def _copy_sub_settings(source: str, target: str, themes: list[int], by: Actor) -> int:
    """Every sub theme gets one, off where the source has none."""
    on = SubThemeSetting.objects.filter(school_year_semester=source, enabled=True)
    enabled = set(on.values_list("sub_theme_id", flat=True))
    sub_themes = SubTheme.objects.filter(theme__in=themes)
    return len(_add_sub_settings(target, {one: one.pk in enabled for one in sub_themes}, by))


def _all_of(semester: str) -> Values:
    """The settings of a semester, by code."""
    themes = ThemeSetting.objects.filter(school_year_semester=semester).select_related("theme")
    subs = SubThemeSetting.objects.filter(school_year_semester=semester).select_related("sub_theme__theme")
    return {one.theme.theme_code: state(one) for one in themes} | {
        one.sub_theme.path: state(one) for one in subs
    }
