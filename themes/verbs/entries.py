"""What courses entered (wire facts, section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import Actor, difference, record
from themes.models import CourseEntry, SubTheme

from ..errors import Refusal, Refused, Unknown
from .rows import Values, add, current, lock, lock_all, modify, remove, state, sub_theme_of, writer


@dataclass(frozen=True)
class Entered:
    """An entry as it is sent. Without a theme's code its sub theme is looked for among those that are asked for."""

    course_id: str
    semester: str
    theme_code: str | None
    sub_theme_code: str
    values: Values


class _Asked:
    """What semesters ask for; read once, while all themes are locked."""

    def __init__(self) -> None:
        found = list(SubTheme.objects.select_related("theme"))
        self._by_codes = {(one.theme.theme_code, one.sub_theme_code): one for one in found}
        self._by_key = {one.pk: one for one in found}
        self._enabled: dict[str, list[SubTheme]] = {}

    def sub_theme(self, entered: Entered) -> SubTheme:
        """The one that is meant. Raises Unknown, Refused."""
        enabled = self._enabled_in(entered.semester)
        meant = self._meant(entered, enabled)
        if meant is None or meant not in enabled:
            names = {"code": meant.path if meant else entered.sub_theme_code, "semester": entered.semester}
            raise Refused(_("Sub theme %(code)s is not enabled in %(semester)s.") % names)
        return meant

    def _meant(self, entered: Entered, enabled: list[SubTheme]) -> SubTheme | None:
        theme, code = entered.theme_code, entered.sub_theme_code
        if theme is not None:
            return self._by_codes.get((theme, code)) or sub_theme_of(theme, code)
        found = [one for one in enabled if one.sub_theme_code == code]
        if len(found) > 1:
            text = _("Several themes have a sub theme %(code)s in %(semester)s: name the theme.")
            raise Refused(text % {"code": code, "semester": entered.semester})
        return found[0] if found else None

    def _enabled_in(self, semester: str) -> list[SubTheme]:
        if semester not in self._enabled:
            keys = SubTheme.objects.enabled_in(semester).values_list("pk", flat=True)
            self._enabled[semester] = [self._by_key[key] for key in keys if key in self._by_key]
        return self._enabled[semester]


# Entries -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def store(entered: Entered, by: Actor) -> CourseEntry:
    """Makes the entry, or replaces what the course entered before. Raises Unknown, Refused."""
    lock_all()
    return _store(entered, _Asked(), by)


@transaction.atomic
def store_all(entries: Sequence[Entered], by: Actor) -> list[CourseEntry]:
    """Those that break no rule; of several for one place the last one. Raises Refused when none is left."""
    lock_all()
    asked, stored = _Asked(), dict[int, CourseEntry]()
    for entered in entries:
        with suppress(Refusal):  # which comes before anything is written
            entry = _store(entered, asked, by)
            stored[entry.pk] = entry
    if not stored:
        raise Refused(_("None of the entries could be stored."))
    return list(stored.values())


def _store(entered: Entered, asked: _Asked, by: Actor) -> CourseEntry:
    place = {
        "course_id": entered.course_id,
        "school_year_semester": entered.semester,
        "sub_theme": asked.sub_theme(entered),
    }
    found = CourseEntry.objects.filter(**place).select_related("sub_theme__theme").first()
    _at_most_one_is_most_relevant(found or CourseEntry(**place), entered.values)
    return modify(found, entered.values, by) if found else add(CourseEntry(**place, **entered.values), by)


def _at_most_one_is_most_relevant(entry: CourseEntry, values: Values) -> None:
    """Of a course, a semester and a theme, whose lock is held."""
    if not values.get("is_most_relevant"):
        return
    others = CourseEntry.objects.filter(
        course_id=entry.course_id,
        school_year_semester=entry.school_year_semester,
        sub_theme__theme=entry.sub_theme.theme_id,
        is_most_relevant=True,
    ).exclude(pk=entry.pk)
    if other := others.first():
        names = {"code": other.sub_theme.path}
        raise Refused(_("Sub theme %(code)s is the most relevant one already.") % names)


@transaction.atomic
def update(entry: CourseEntry, values: Values, by: Actor, seen: str = "") -> CourseEntry:
    """Raises Unknown, Refused, Changed."""
    lock(entry.sub_theme.theme)
    entry = current(entry)
    _at_most_one_is_most_relevant(entry, values)
    return modify(entry, values, by, seen=seen)


@transaction.atomic
def delete(entry: CourseEntry, by: Actor) -> CourseEntry:
    """The entry as it was. Raises Unknown."""
    lock(entry.sub_theme.theme)
    entry = current(entry)
    remove(entry, by)
    return entry


# Copy --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Copied:
    copied: int
    skipped: int
    deleted: int


@transaction.atomic
def copy(course: str, source: str, target: str, by: Actor) -> Copied:
    """Replaces what a course entered in the target by what it entered in the source, as far as that is asked for there.

    Raises Refused when both are one semester; Unknown when the source has no entry, or the target asks for nothing.
    """
    if source == target:
        raise Refused(_("Source and target are the same semester."))
    lock_all()
    rows = _entries(course, source)
    if not rows:
        names = {"course": course, "semester": source}
        raise Unknown(_("Course %(course)s has no entries in %(semester)s.") % names)
    enabled = set(SubTheme.objects.enabled_in(target).values_list("pk", flat=True))
    if not enabled:
        raise Unknown(_("No sub theme is enabled in %(semester)s.") % {"semester": target})
    replaced = _entries(course, target)
    CourseEntry.objects.filter(pk__in=[one.pk for one in replaced]).delete()
    copies = [_copy_of(one, target, by) for one in rows if one.sub_theme_id in enabled]
    CourseEntry.objects.bulk_create(copies)
    done = Copied(len(copies), len(rows) - len(copies), len(replaced))
    _record_copy(done, (course, source, target), replaced, copies, by)
    return done


def _entries(course: str, semester: str) -> list[CourseEntry]:
    found = CourseEntry.objects.filter(course_id=course, school_year_semester=semester)
    return list(found.select_related("sub_theme__theme"))


def _copy_of(entry: CourseEntry, target: str, by: Actor) -> CourseEntry:
    name = writer(by)
    return CourseEntry(
        course_id=entry.course_id,
        school_year_semester=target,
        sub_theme=entry.sub_theme,
        created_by=name,
        updated_by=name,
        **state(entry),
    )


def _record_copy(
    done: Copied,
    places: tuple[str, str, str],
    replaced: list[CourseEntry],
    copies: list[CourseEntry],
    by: Actor,
) -> None:
    """One entry for all of them, with what was there before. `places`: course, source, target."""
    course, source, target = places
    before, after = ({one.sub_theme.path: state(one) for one in rows} for rows in (replaced, copies))
    event = Entry.Event.MODIFIED if replaced else Entry.Event.ADDED
    told = f"{source} → {target}: {done.copied} copied, {done.skipped} skipped, {done.deleted} deleted"
    place = CourseEntry(course_id=course, school_year_semester=target)
    record(event, place, by=by, changes=difference(before, after), description=told)
