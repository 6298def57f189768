"""What courses entered (wire facts, section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import By, difference, record
from themes.models import CourseEntry, SubTheme

from ..refusals import Refusal, Refused, Unknown
from .rows import Values, add, current, lock, lock_all, modify, remove, state, sub_theme_of, writer


@dataclass(frozen=True)
class Entered:
    """An entry as it is sent. Without a theme's code its sub theme is looked for among those that are asked for."""

    course_id: str
    semester: str
    theme_code: str | None
    sub_theme_code: str
    values: Values


# One entry ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def store(entered: Entered, by: By) -> CourseEntry:
    """Makes the entry, or replaces what the course entered before. Raises Unknown, Refused."""
    sub_theme = _sub_theme_of(entered)
    lock(sub_theme.theme)
    sub_theme = current(sub_theme)
    if not SubTheme.objects.enabled_in(entered.semester).filter(pk=sub_theme.pk).exists():
        names = {"code": sub_theme.path, "semester": entered.semester}
        raise Refused(_("Sub theme %(code)s is not enabled in %(semester)s.") % names)
    place = {"course_id": entered.course_id, "school_year_semester": entered.semester, "sub_theme": sub_theme}
    found = CourseEntry.objects.filter(**place).first()
    _at_most_one_is_most_relevant(found or CourseEntry(**place), entered.values)
    return modify(found, entered.values, by) if found else add(CourseEntry(**place, **entered.values), by)


def _sub_theme_of(entered: Entered) -> SubTheme:
    if entered.theme_code is not None:
        return sub_theme_of(entered.theme_code, entered.sub_theme_code)
    enabled = SubTheme.objects.enabled_in(entered.semester).filter(sub_theme_code=entered.sub_theme_code)
    found = list(enabled.select_related("theme")[:2])
    names = {"code": entered.sub_theme_code, "semester": entered.semester}
    if not found:
        raise Refused(_("Sub theme %(code)s is not enabled in %(semester)s.") % names)
    if len(found) > 1:
        raise Refused(_("Several themes have a sub theme %(code)s in %(semester)s: name the theme.") % names)
    return found[0]


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
def store_all(entries: Sequence[Entered], by: By) -> list[CourseEntry]:
    """Those that break no rule; of several for one place the last one. Raises Refused when none is left."""
    lock_all()
    stored: dict[int, CourseEntry] = {}
    for entered in entries:
        try:
            entry = store(entered, by)
        except Refusal:
            continue
        stored[entry.pk] = entry
    if not stored:
        raise Refused(_("None of the entries could be stored."))
    return list(stored.values())


@transaction.atomic
def update(entry: CourseEntry, values: Values, by: By) -> CourseEntry:
    """Raises Unknown, Refused."""
    lock(entry.sub_theme.theme)
    entry = current(entry)
    _at_most_one_is_most_relevant(entry, values)
    return modify(entry, values, by)


@transaction.atomic
def delete(entry: CourseEntry, by: By) -> CourseEntry:
    """The entry as it was. Raises Unknown."""
    lock(entry.sub_theme.theme)
    found = current(entry)
    remove(found, by)
    return entry


# Copy --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Copied:
    copied: int
    skipped: int
    deleted: int


@transaction.atomic
def copy(course: str, source: str, target: str, by: By) -> Copied:
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


def _copy_of(entry: CourseEntry, target: str, by: By) -> CourseEntry:
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
    done: Copied, places: tuple[str, str, str], replaced: list[CourseEntry], copies: list[CourseEntry], by: By
) -> None:
    """One entry for all of them, with what was there before. `places`: course, source, target."""
    course, source, target = places
    before, after = ({one.sub_theme.path: state(one) for one in rows} for rows in (replaced, copies))
    event = Entry.Event.MODIFIED if replaced else Entry.Event.ADDED
    told = f"{source} → {target}: {done.copied} copied, {done.skipped} skipped, {done.deleted} deleted"
    place = CourseEntry(course_id=course, school_year_semester=target)
    record(event, place, by=by, changes=difference(before, after), description=told)
