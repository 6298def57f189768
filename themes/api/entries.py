"""What courses entered, and its copy (wire facts, section 6): bare objects."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from themes import queries
from themes.models import CourseEntry, SubTheme, Theme
from themes.verbs import entries as verbs
from themes.verbs.rows import sub_theme_of

from ..errors import Invalid, Refusal, Unknown
from . import reader, wire
from .base import Answer, RegistryView

MOST_AT_ONCE = 500


def _course(value: Any) -> str:
    return reader.text(CourseEntry, "course_id", value)


def _entry_of(entry_id: str) -> CourseEntry:
    try:
        found = queries.entries().filter(uid=uuid.UUID(entry_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise Unknown(_("There is no entry %(id)s.") % {"id": entry_id[:50]})
    return found


def _entered(body: dict[str, Any]) -> verbs.Entered:
    """Raises Invalid."""
    code = reader.required(SubTheme, body, "sub_theme_code")["sub_theme_code"]
    return verbs.Entered(
        course_id=reader.required(CourseEntry, body, "course_id")["course_id"],
        semester=reader.semester(body),
        theme_code=reader.optional(Theme, body, ["theme_code"]).get("theme_code"),
        sub_theme_code=code,
        values=reader.entry_values(body),
    )


class EntriesView(RegistryView):
    """Those of a course, and many at once."""

    def get(self, request: HttpRequest) -> Answer:
        found = queries.entries().filter(course_id=_course(_asked(request, "course_id")))
        if "school_year_semester" in request.GET:
            found = found.filter(school_year_semester=reader.semester(request.GET))
        return {"entries": [wire.entry(one) for one in found]}

    def post(self, request: HttpRequest) -> Answer:
        sent = self.body.get("entries")
        if not isinstance(sent, list):
            raise Invalid("entries", _("A list is expected."))
        if len(sent) > MOST_AT_ONCE:
            raise Invalid("entries", _("These are more than %(limit)d.") % {"limit": MOST_AT_ONCE})
        readable = [one for one in map(_readable, sent) if one]
        return 201, [wire.entry(one) for one in verbs.store_all(readable, self.by)]


def _readable(sent: Any) -> verbs.Entered | None:
    """What cannot be read is left out, as what breaks a rule."""
    try:
        return _entered(sent) if isinstance(sent, dict) else None
    except Refusal:
        return None


class SingleEntryView(RegistryView):
    def post(self, request: HttpRequest) -> Answer:
        return 201, wire.entry(verbs.store(_entered(self.body), self.by))


class EntryView(RegistryView):
    def get(self, request: HttpRequest, entry_id: str) -> Answer:
        return wire.entry(_entry_of(entry_id))

    def put(self, request: HttpRequest, entry_id: str) -> Answer:
        entry = _entry_of(entry_id)
        values = reader.required(CourseEntry, self.body, "indicator_value")
        values |= reader.optional(CourseEntry, self.body, ("week_numbers", "is_most_relevant"))
        if "week_numbers" in self.body and self.body["week_numbers"] is None:
            values["week_numbers"] = None
        return wire.entry(verbs.update(entry, values, self.by))

    def delete(self, request: HttpRequest, entry_id: str) -> Answer:
        return wire.entry(verbs.delete(_entry_of(entry_id), self.by))


class ExistsView(RegistryView):
    def get(self, request: HttpRequest) -> Answer:
        course = _course(_asked(request, "course_id"))
        semester = reader.semester({"school_year_semester": _asked(request, "school_year_semester")})
        found = CourseEntry.objects.filter(course_id=course, school_year_semester=semester)
        return {"exists": found.exists()}


def _asked(request: HttpRequest, name: str) -> str:
    if not (value := request.GET.get(name)):
        raise Invalid(name, _("This is required."))
    return value


class CopyEntriesView(RegistryView):
    def post(self, request: HttpRequest) -> Answer:
        source = reader.semester(self.body, "source_school_year_semester")
        target = reader.semester(self.body, "target_school_year_semester")
        course = reader.required(CourseEntry, self.body, "course_id")["course_id"]
        done = verbs.copy(course, source, target, self.by)
        return {
            "message": f"成功複製 {done.copied} 筆課程記錄到學年期 {target}",
            "copied_count": done.copied,
            "skipped_count": done.skipped,
            "deleted_count": done.deleted,
        }


class FormDataView(RegistryView):
    def get(self, request: HttpRequest, course_id: str, semester: str) -> Answer:
        found = queries.entries().filter(course_id=_course(course_id), school_year_semester=semester)
        entered = {one.sub_theme_id: one for one in found}
        enabled = queries.enabled_in(semester)
        themes = [wire.form_theme(one, enabled, entered) for one in queries.settings(semester)]
        return {"course_id": course_id, "school_year_semester": semester, "themes": themes}


class CoursesView(RegistryView):
    """Of a semester; not in the guide, for jobs that go through all of them."""

    def get(self, request: HttpRequest, semester: str) -> Answer:
        return {"course_ids": queries.courses(semester)}


class SubThemeCoursesView(RegistryView):
    def get(self, request: HttpRequest, semester: str, theme_code: str, sub_theme_code: str) -> Answer:
        return {"course_ids": queries.courses(semester, sub_theme_of(theme_code, sub_theme_code))}
