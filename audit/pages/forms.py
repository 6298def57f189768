"""The filter form of the audit trail."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from audit import search
from audit.labels import kind_name, surface_name
from audit.models import Entry
from audit.search import EntryFilter

DATES = [MinValueValidator(dt.date(1970, 1, 2)), MaxValueValidator(dt.date(9000, 1, 1))]
# Fields that offer what is there: the column it stands in, and what it is called.
WORDS = {"kind": ("object_type", kind_name), "surface": ("surface", surface_name)}


class SearchForm(forms.Form):
    """Dates are those of the scheduler's zone, both inclusive. An unreadable value narrows nothing and gets a message."""

    q = forms.CharField(label=_("Text"), required=False, max_length=100)
    event = forms.ChoiceField(label=_("Event"), required=False)
    kind = forms.ChoiceField(label=_("Object"), required=False)
    object = forms.UUIDField(required=False, widget=forms.HiddenInput)
    person = forms.CharField(label=_("User"), required=False, max_length=150)
    surface = forms.ChoiceField(label=_("Source"), required=False)
    start = forms.DateField(
        label=_("From"), required=False, validators=DATES, widget=forms.DateInput({"type": "date"})
    )
    end = forms.DateField(
        label=_("To"), required=False, validators=DATES, widget=forms.DateInput({"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "search_%s"
        nothing: list[tuple[str, Any]] = [("", _("all"))]
        choices: dict[str, list[tuple[str, Any]]] = {"event": Entry.Event.choices}
        for name, (column, told) in WORDS.items():
            choices[name] = [(word, told(word)) for word in search.words(column)]
        for name, offered in choices.items():
            self.fields[name].choices = [*nothing, *offered]  # type: ignore[attr-defined]

    def wanted(self) -> EntryFilter:
        """The filter; call it after validation."""
        given = self.cleaned_data
        start, end = given.get("start"), given.get("end")
        return EntryFilter(
            event=given.get("event", ""),
            kind=given.get("kind", ""),
            uid=given.get("object"),
            actor=given.get("person", ""),
            surface=given.get("surface", ""),
            text=given.get("q", ""),
            start=_midnight(start) if start else None,
            end=_midnight(end + dt.timedelta(days=1)) if end else None,
        )


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(settings.SCHEDULER_TIMEZONE))
