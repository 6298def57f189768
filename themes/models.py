"""Themes, their sub themes, what a semester asks of them, and what courses entered (operator-token guide).

Tables and columns bear the names of the guide, codes are unique as its wire facts say (sections 3 to 6). A theme's row is
also the lock of all that lies below it: a change there holds it (themes/verbs/rows.py).
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from themes.semesters import PATTERN

LONGEST_CODE, LONGEST_NAME, LONGEST_SHORT_NAME = 10, 200, 50
LONGEST_LINK, LONGEST_CONTENT = 500, 5000
LONGEST_COURSE, LONGEST_VALUE = 100, 255
# The route of a theme's sub themes has this word where another has a theme's code.
RESERVED = "by_theme"
LAST_WEEK = 53


def not_blank(text: str) -> None:
    if not text.strip():
        raise ValidationError(_("Enter more than spaces."))


def addressable(text: str) -> None:
    """Codes stand in paths, and on MySQL spaces at the end do not count."""
    if text != text.strip() or "/" in text or not text.isprintable() or text in (".", ".."):
        raise ValidationError(_("No slash, no control characters, and no space at the beginning or the end."))
    if text == RESERVED:
        raise ValidationError(_("This word is reserved."))


def week_list(weeks: Any) -> None:
    if not isinstance(weeks, list) or not all(type(week) is int and 1 <= week <= LAST_WEEK for week in weeks):
        raise ValidationError(
            _("Weeks are a list of whole numbers from 1 to %(last)d.") % {"last": LAST_WEEK}
        )
    if len(weeks) != len(set(weeks)):
        raise ValidationError(_("A week is named twice."))


SEMESTER = RegexValidator(
    rf"\A{PATTERN}\Z", _("Write the school year in three digits, then the term, 1 or 2: 1132.")
)


def code_field(**options: Any) -> models.CharField[str, str]:
    """What something is known by outside."""
    return models.CharField(_("code"), max_length=LONGEST_CODE, validators=[addressable], **options)


def semester_field() -> models.CharField[str, str]:
    return models.CharField(_("school-year semester"), max_length=4, validators=[SEMESTER])


class Traced(models.Model):
    """Who made a row and who wrote it last: an operator's id, or the name of an account of the pages.

    Texts, as operators need no account. `uid` is the id outside.
    """

    # What a write may set, by its names on the wire.
    FIELDS: ClassVar[tuple[str, ...]] = ()

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    created_by = models.CharField(_("created by"), max_length=150, editable=False)
    updated_by = models.CharField(_("updated by"), max_length=150, editable=False)

    class Meta:
        abstract = True

    @property
    def version(self) -> str:
        """Another one after each write."""
        return self.updated_at.isoformat() if self.pk else ""


class Theme(Traced):
    FIELDS = (
        *("theme_code", "theme_name", "theme_short_name", "theme_english_name"),
        *("chinese_link", "english_link"),
    )

    theme_code = code_field(unique=True)
    theme_name = models.CharField(_("name"), max_length=LONGEST_NAME, validators=[not_blank])
    theme_short_name = models.CharField(
        _("short name"), max_length=LONGEST_SHORT_NAME, validators=[not_blank]
    )
    theme_english_name = models.CharField(_("English name"), max_length=LONGEST_NAME, validators=[not_blank])
    chinese_link = models.CharField(_("Chinese link"), max_length=LONGEST_LINK, null=True, blank=True)  # noqa: DJ001 - null on the wire
    english_link = models.CharField(_("English link"), max_length=LONGEST_LINK, null=True, blank=True)  # noqa: DJ001

    class Meta:
        db_table = "themes"
        verbose_name = _("theme")
        verbose_name_plural = _("themes")
        ordering = ("theme_code",)
        permissions = [
            ("view_registry", "Can see the registry"),
            ("change_registry", "Can change the registry"),
        ]

    def __str__(self) -> str:
        return f"{self.theme_code} {self.theme_name}"


class SubThemes(models.QuerySet["SubTheme"]):
    def enabled_in(self, semester: str) -> SubThemes:
        """Those that are switched on there, of themes that have a setting there (wire facts, 6, Copy)."""
        return self.filter(
            semester_settings__school_year_semester=semester,
            semester_settings__enabled=True,
            theme__semester_settings__school_year_semester=semester,
        )


class SubTheme(Traced):
    FIELDS = (
        *("sub_theme_code", "sub_theme_name", "sub_theme_english_name"),
        *("sub_theme_content", "sub_theme_english_content"),
    )

    theme = models.ForeignKey(
        Theme, verbose_name=_("theme"), on_delete=models.PROTECT, related_name="sub_themes"
    )
    sub_theme_code = code_field()
    sub_theme_name = models.CharField(_("name"), max_length=LONGEST_NAME, validators=[not_blank])
    sub_theme_english_name = models.CharField(
        _("English name"), max_length=LONGEST_NAME, validators=[not_blank]
    )
    sub_theme_content = models.TextField(  # noqa: DJ001 - null on the wire
        _("content"), null=True, blank=True, validators=[MaxLengthValidator(LONGEST_CONTENT)]
    )
    sub_theme_english_content = models.TextField(  # noqa: DJ001
        _("English content"), null=True, blank=True, validators=[MaxLengthValidator(LONGEST_CONTENT)]
    )

    objects = SubThemes.as_manager()

    class Meta:
        db_table = "sub_themes"
        verbose_name = _("sub theme")
        verbose_name_plural = _("sub themes")
        ordering = ("theme__theme_code", "sub_theme_code")
        constraints = [
            models.UniqueConstraint(fields=["theme", "sub_theme_code"], name="sub_theme_code_in_theme")
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.sub_theme_name}"

    @property
    def path(self) -> str:
        """Both codes, as in A101/01."""
        return f"{self.theme.theme_code}/{self.sub_theme_code}"


class ThemeSetting(Traced):
    """What a semester asks of a theme."""

    FIELDS = ("fill_in_week_enabled", "scale_max", "select_most_relevant_sub_theme_enabled")

    school_year_semester = semester_field()
    theme = models.ForeignKey(
        Theme, verbose_name=_("theme"), on_delete=models.CASCADE, related_name="semester_settings"
    )
    fill_in_week_enabled = models.BooleanField(_("weeks are filled in"), default=True)
    scale_max = models.PositiveSmallIntegerField(
        _("highest value of the scale"), default=3, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    select_most_relevant_sub_theme_enabled = models.BooleanField(
        _("the most relevant sub theme is selected"), default=False
    )

    class Meta:
        db_table = "school_year_theme_settings"
        verbose_name = _("theme setting")
        verbose_name_plural = _("theme settings")
        ordering = ("school_year_semester", "theme__theme_code")
        constraints = [
            models.UniqueConstraint(
                fields=["school_year_semester", "theme"], name="theme_setting_in_semester"
            )
        ]

    def __str__(self) -> str:
        # Without a theme it stands for all of the semester, in the audit trail.
        return f"{self.school_year_semester} {self.theme.theme_code if self.theme_id else ''}".strip()


class SubThemeSetting(Traced):
    """Whether a sub theme is asked for in a semester; one without a row is not."""

    FIELDS = ("enabled",)

    school_year_semester = semester_field()
    sub_theme = models.ForeignKey(
        SubTheme, verbose_name=_("sub theme"), on_delete=models.CASCADE, related_name="semester_settings"
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        db_table = "school_year_sub_theme_settings"
        verbose_name = _("sub-theme setting")
        verbose_name_plural = _("sub-theme settings")
        ordering = ("school_year_semester", "sub_theme__sub_theme_code")
        constraints = [
            models.UniqueConstraint(
                fields=["school_year_semester", "sub_theme"], name="sub_theme_setting_in_semester"
            )
        ]

    def __str__(self) -> str:
        return f"{self.school_year_semester} {self.sub_theme.path}"


class CourseEntry(Traced):
    """What a course entered for a sub theme in a semester."""

    FIELDS = ("indicator_value", "week_numbers", "is_most_relevant")

    course_id = models.CharField(_("course"), max_length=LONGEST_COURSE, validators=[addressable])
    school_year_semester = semester_field()
    sub_theme = models.ForeignKey(
        SubTheme, verbose_name=_("sub theme"), on_delete=models.PROTECT, related_name="entries"
    )
    indicator_value = models.CharField(_("value"), max_length=LONGEST_VALUE, validators=[not_blank])
    week_numbers: models.JSONField[Any, list[int] | None] = models.JSONField(
        _("weeks"), null=True, blank=True, validators=[week_list]
    )
    is_most_relevant = models.BooleanField(_("most relevant"), default=False)

    class Meta:
        db_table = "course_entries"
        verbose_name = _("course entry")
        verbose_name_plural = _("course entries")
        ordering = (
            "course_id",
            "school_year_semester",
            "sub_theme__theme__theme_code",
            "sub_theme__sub_theme_code",
        )
        constraints = [
            models.UniqueConstraint(
                fields=["course_id", "school_year_semester", "sub_theme"], name="course_entry_once"
            )
        ]
        # A semester is exported course by course.
        indexes = [models.Index(fields=["school_year_semester", "course_id"], name="course_entry_semester")]

    def __str__(self) -> str:
        # Without a sub theme it stands for all of the course's, in the audit trail.
        path = self.sub_theme.path if self.sub_theme_id else ""
        return f"{self.course_id} {self.school_year_semester} {path}".strip()
