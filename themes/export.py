"""The entries of semesters as a CSV file (wire facts, section 7): a row for each course, columns for what was asked of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from scheduler_site.lib.text import inert
from themes import queries
from themes.models import CourseEntry, SubTheme, ThemeSetting

FIRST = ("學年期", "OPMS_COURSE_NO", "PS_CLASS_NBR", "課程名稱")
# What stands around the name of a sub theme, by the code of its theme.
AROUND = {"A401": ("UCAN", ""), "A601": ("STEAM", ""), "A501": ("", "(USR)"), "A301": ("", "(主題:指標主題)")}
BOM = "\ufeff"

# What a course entered in a semester, by key of the sub theme.
Entered = Mapping[int, CourseEntry]


@dataclass(frozen=True)
class Column:
    title: str
    cell: Callable[[Entered], str]


@dataclass(frozen=True)
class Only:
    """What an export is narrowed to; None is everything."""

    theme_code: str | None = None
    sub_theme_code: str | None = None

    def __contains__(self, sub_theme: SubTheme) -> bool:
        return self.theme_code in (None, sub_theme.theme.theme_code) and self.sub_theme_code in (
            None,
            sub_theme.sub_theme_code,
        )


EVERYTHING = Only()


def as_csv(semesters: Iterable[str], only: Only = EVERYTHING) -> str:
    """The whole file, with its byte order mark. Cells that a spreadsheet would take for formulas begin with '."""
    asked = list(semesters)
    columns = list(_columns(asked, only))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*FIRST, *(inert(column.title) for column in columns)])
    for semester, course, entered in _courses(asked, only):
        cells = [semester, course, "", "", *(column.cell(entered) for column in columns)]
        writer.writerow([inert(cell) for cell in cells])
    return BOM + file.getvalue()


def _courses(semesters: list[str], only: Only) -> Iterator[tuple[str, str, Entered]]:
    rows: dict[tuple[str, str], dict[int, CourseEntry]] = {}
    for entry in queries.entries().filter(school_year_semester__in=semesters):
        if entry.sub_theme in only:
            rows.setdefault((entry.school_year_semester, entry.course_id), {})[entry.sub_theme_id] = entry
    return ((semester, course, rows[semester, course]) for semester, course in sorted(rows))


# Columns -----------------------------------------------------------------------------------------------------------


def _columns(semesters: list[str], only: Only) -> Iterator[Column]:
    """Of each theme, what any of the semesters asks for."""
    settings: dict[str, list[ThemeSetting]] = {}
    enabled: set[int] = set()
    for semester in semesters:
        enabled |= queries.enabled_in(semester)
        for setting in queries.settings(semester):
            settings.setdefault(setting.theme.theme_code, []).append(setting)
    for code in sorted(settings):
        shown = [one for one in settings[code][0].theme.sub_themes.all() if one.pk in enabled and one in only]
        if shown:
            yield from _theme_columns(settings[code], shown)


def _theme_columns(settings: list[ThemeSetting], shown: list[SubTheme]) -> Iterator[Column]:
    theme = settings[0].theme
    if any(one.select_most_relevant_sub_theme_enabled for one in settings):
        yield Column(f"{theme.theme_name}最相關子主題代碼", _most_relevant(shown, "sub_theme_code"))
        yield Column(f"{theme.theme_name}最相關子主題名稱", _most_relevant(shown, "sub_theme_name"))
    before, after = AROUND.get(theme.theme_code, ("", ""))
    for sub_theme in shown:
        yield Column(f"{before}{sub_theme.sub_theme_name}{after}", _value(sub_theme.pk))
        if any(one.fill_in_week_enabled for one in settings):
            yield Column(f"{sub_theme.sub_theme_name}週次", _weeks(sub_theme.pk))


def _most_relevant(shown: list[SubTheme], field: str) -> Callable[[Entered], str]:
    def cell(entered: Entered) -> str:
        chosen = (one for one in shown if one.pk in entered and entered[one.pk].is_most_relevant)
        return next((str(getattr(one, field)) for one in chosen), "")

    return cell


def _value(key: int) -> Callable[[Entered], str]:
    return lambda entered: entered[key].indicator_value if key in entered else ""


def _weeks(key: int) -> Callable[[Entered], str]:
    return lambda entered: ",".join(map(str, entered[key].week_numbers or ())) if key in entered else ""
