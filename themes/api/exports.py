"""The registry as CSV files (wire facts, section 7); neither takes a token, as neither changes anything."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from themes.export import Only, as_csv
from themes.models import CourseEntry, SubTheme, Theme, ThemeSetting
from themes.verbs.rows import sub_theme_of, theme_of

from ..errors import Invalid, Unknown
from . import reader
from .base import Answer, RegistryView


class ExportView(RegistryView):
    def get(self, request: HttpRequest, semester: str) -> Answer:
        if not ThemeSetting.objects.filter(school_year_semester=semester).exists():
            raise Unknown(_("There are no settings in %(semester)s.") % {"semester": semester})
        return csv_file(as_csv([semester]), f"course_entries_{semester}.csv")


class ExportRangeView(RegistryView):
    open_methods = ("POST",)

    def post(self, request: HttpRequest) -> Answer:
        start = reader.semester(self.body, "school_year_semester_start")
        end = reader.semester(self.body, "school_year_semester_end")
        if start > end:
            raise Invalid("school_year_semester_end", _("The end is before the start."))
        only = self._only()
        found = CourseEntry.objects.filter(school_year_semester__range=(start, end)).order_by()
        if only.theme_code:
            found = found.filter(sub_theme__theme__theme_code=only.theme_code)
        if only.sub_theme_code:
            found = found.filter(sub_theme__sub_theme_code=only.sub_theme_code)
        semesters = sorted(found.values_list("school_year_semester", flat=True).distinct())
        if not semesters:
            names = {"start": start, "end": end}
            raise Unknown(_("There are no entries from %(start)s to %(end)s.") % names)
        return csv_file(as_csv(semesters, only), f"course_entries_{start}_{end}.csv")

    def _only(self) -> Only:
        """Codes that are named must be there."""
        theme = reader.optional(Theme, self.body, ["theme_code"]).get("theme_code")
        sub_theme = reader.optional(SubTheme, self.body, ["sub_theme_code"]).get("sub_theme_code")
        if theme and sub_theme:
            sub_theme_of(theme, sub_theme)
        elif theme:
            theme_of(theme)
        return Only(theme, sub_theme)


def csv_file(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )
