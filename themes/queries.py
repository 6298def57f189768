"""What is read of the registry, with all that is shown of it."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from themes.models import CourseEntry, SubTheme, SubThemeSetting, ThemeSetting


def settings(semester: str = "") -> list[ThemeSetting]:
    """The settings of themes in a semester (in all of them), with the sub themes of their themes."""
    found = ThemeSetting.objects.select_related("theme").prefetch_related(
        Prefetch("theme__sub_themes", SubTheme.objects.order_by("sub_theme_code"))
    )
    return list(found.filter(school_year_semester=semester) if semester else found)


def enabled_in(semester: str) -> set[int]:
    """Keys of the sub themes that are switched on, whether their theme has a setting or not."""
    found = SubThemeSetting.objects.filter(school_year_semester=semester, enabled=True)
    return set(found.values_list("sub_theme_id", flat=True))


def semesters() -> list[str]:
    """Those that have settings or entries, the latest first."""
    asked = ThemeSetting.objects.order_by().values_list("school_year_semester", flat=True)
    entered = CourseEntry.objects.order_by().values_list("school_year_semester", flat=True)
    return sorted({*asked.distinct(), *entered.distinct()}, reverse=True)


def entries() -> QuerySet[CourseEntry]:
    return CourseEntry.objects.select_related("sub_theme__theme")


def courses(semester: str, sub_theme: SubTheme | None = None) -> list[str]:
    """Those that entered something (for the sub theme), sorted."""
    found = CourseEntry.objects.filter(school_year_semester=semester).order_by()
    if sub_theme:
        found = found.filter(sub_theme=sub_theme)
    return sorted(found.values_list("course_id", flat=True).distinct())
