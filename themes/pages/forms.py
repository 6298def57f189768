"""The forms of the pages: what the models say of their fields, as people write it."""

from __future__ import annotations

import re
from copy import copy
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from themes import semesters
from themes.models import SEMESTER, CourseEntry, SubTheme, Theme, ThemeSetting

_WEEKS = re.compile(r"(\d{1,2})(?:\s*[-–~〜～]\s*(\d{1,2}))?")


class WeeksField(forms.CharField):
    """`1, 2, 5-8`; a list of whole numbers, None for nothing."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        parts = [
            part.strip() for part in re.split(r"[,，、;；]", super().to_python(value) or "") if part.strip()
        ]
        weeks: list[int] = []
        for part in parts:
            found = _WEEKS.fullmatch(part)
            first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
            if first > last:
                raise ValidationError(_("Write weeks as numbers with commas between: 1, 2, 5-8."))
            weeks += range(first, last + 1)
        return weeks or None


class RegistryForm(forms.ModelForm[Any]):
    """Reads only: the verbs write. `version` is that of the row as the reader saw it; new ones have none."""

    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version

    @property
    def seen(self) -> str:
        return str(self.cleaned_data["version"])

    @property
    def values(self) -> dict[str, Any]:
        """An empty text is none where the model has none."""
        given = self.cleaned_data.items()
        return {name: self._stored(name, value) for name, value in given if name != "version"}

    def renew(self, version: str) -> None:
        """The version that the user has seen."""
        data: Any = copy(self.data)
        data["version"] = version
        self.data = data

    def _stored(self, name: str, value: Any) -> Any:
        field = next((one for one in self._meta.model._meta.fields if one.name == name), None)
        return None if value == "" and isinstance(field, models.Field) and field.null else value


class ThemeForm(RegistryForm):
    class Meta:
        model = Theme
        fields = Theme.FIELDS


class SubThemeForm(RegistryForm):
    class Meta:
        model = SubTheme
        fields = SubTheme.FIELDS


class SettingForm(RegistryForm):
    """Which of the theme's sub themes are on stands beside the settings; of a new one all are."""

    class Meta:
        model = ThemeSetting
        fields = ThemeSetting.FIELDS

    enabled = forms.ModelMultipleChoiceField(
        SubTheme.objects.none(),
        label=_("Enabled sub themes"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["enabled"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 - for the type checker
        field.queryset = self.instance.theme.sub_themes.select_related("theme")


class NewSettingForm(RegistryForm):
    class Meta:
        model = ThemeSetting
        fields = ("school_year_semester", "theme", *ThemeSetting.FIELDS)


class EntryForm(RegistryForm):
    class Meta:
        model = CourseEntry
        fields: tuple[str, ...] = CourseEntry.FIELDS

    week_numbers = WeeksField(
        label=_("weeks"),
        required=False,
        max_length=300,
        help_text=_("Numbers with commas between: 1, 2, 5-8."),
    )


class NewEntryForm(EntryForm):
    class Meta(EntryForm.Meta):
        fields = ("course_id", "school_year_semester", "sub_theme", *CourseEntry.FIELDS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["sub_theme"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - for the type checker
        field.queryset = SubTheme.objects.select_related("theme")


# Copies ------------------------------------------------------------------------------------------------------------


class CopySettingsForm(forms.Form):
    source = forms.CharField(label=_("From semester"), max_length=4, validators=[SEMESTER])
    target = forms.CharField(label=_("To semester"), max_length=4, validators=[SEMESTER])


class CopyEntriesForm(CopySettingsForm):
    course = forms.CharField(
        label=_("Course"), validators=CourseEntry._meta.get_field("course_id").validators
    )


class EntryFilter(forms.Form):
    """Filters of the list of entries; invalid values are reported and ignored."""

    semester = forms.CharField(
        label=_("School-year semester"), required=False, max_length=4, validators=[SEMESTER]
    )
    course = forms.CharField(label=_("Course"), required=False, max_length=100)

    def wanted(self) -> dict[str, str]:
        """To be called once the form was validated."""
        given = self.cleaned_data
        found = {"school_year_semester": given.get("semester"), "course_id": given.get("course")}
        return {name: value for name, value in found.items() if value}


def around_now(day: Any) -> dict[str, str]:
    """What a copy is mostly for: into the semester of today, from the one before."""
    target = semesters.of(day)
    return {"source": semesters.before(target), "target": target}
