"""The fields of the schedule builder: a plan in words, from which a cron expression is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from jobs.schedule.builder import HOUR_STEPS, LAST, MINUTE_STEPS, Plan, read, written

PREFIX = "build"
RHYTHMS = (
    ("", _("an expression of my own")),
    ("minutes", _("every few minutes")),
    ("hours", _("every few hours")),
    ("daily", _("every day")),
    ("weekly", _("on weekdays")),
    ("monthly", _("on a day of the month")),
    ("position", _("on a weekday of the month")),
)
# Cron counts from Sunday, 0, Django from Monday; a week is shown from Monday.
DAYS = tuple((str((number + 1) % 7), name) for number, name in WEEKDAYS.items())
POSITIONS = (
    ("1", _("first")),
    ("2", _("second")),
    ("3", _("third")),
    ("4", _("fourth")),
    ("5", _("fifth")),
    (LAST, pgettext_lazy("weekday of a month", "last")),
)
MONTH_DAYS = (*((str(day), str(day)) for day in range(1, 32)), (LAST, _("the last one")))


class BuilderForm(forms.Form):
    """Which fields count is decided by `rhythm`; the others are neither shown nor checked."""

    prefix = PREFIX
    rhythm = forms.ChoiceField(label=_("Repeat"), choices=RHYTHMS, required=False)
    minutes = forms.TypedChoiceField(
        label=_("Minutes between runs"), coerce=int, choices=[(step, step) for step in MINUTE_STEPS]
    )
    hours = forms.TypedChoiceField(
        label=_("Hours between runs"), coerce=int, choices=[(step, step) for step in HOUR_STEPS]
    )
    minute = forms.IntegerField(label=_("Minute of the hour"), min_value=0, max_value=59)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays"), coerce=int, choices=DAYS, widget=forms.CheckboxSelectMultiple
    )
    day = forms.ChoiceField(label=_("Day of the month"), choices=MONTH_DAYS)
    position = forms.ChoiceField(label=pgettext_lazy("weekday of a month", "Which"), choices=POSITIONS)
    weekday = forms.TypedChoiceField(label=_("Weekday"), coerce=int, choices=DAYS)
    time = forms.TimeField(
        label=_("Time of day"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )

    USED: ClassVar[dict[str, tuple[str, ...]]] = {
        "": (),
        "minutes": ("minutes",),
        "hours": ("hours", "minute"),
        "daily": ("time",),
        "weekly": ("weekdays", "time"),
        "monthly": ("day", "time"),
        "position": ("position", "weekday", "time"),
    }

    def __init__(self, data: Any = None, *, expression: str = "") -> None:
        """Filled with `data`, or with the plan that an expression is written by."""
        super().__init__(data, initial=_initial(read(expression)))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        used = self.USED.get(cleaned.get("rhythm", ""), ())
        for name in set(self.fields) - {"rhythm", *used}:
            self.errors.pop(name, None)
        return cleaned

    @property
    def expression(self) -> str:
        """Of a valid form; empty where the expression is one's own."""
        values: Mapping[str, Any] = self.cleaned_data
        rhythm = values["rhythm"]
        if not rhythm:
            return ""
        told = {name: values[name] for name in self.USED[rhythm]}
        if "time" in told:
            time = told.pop("time")
            told |= {"hour": time.hour, "minute": time.minute}
        if rhythm in ("minutes", "hours"):
            told["step"] = told.pop(rhythm)
        if "weekdays" in told:
            told["weekdays"] = tuple(told["weekdays"])
        return written(Plan(rhythm, **told))


def _initial(plan: Plan | None) -> dict[str, Any]:
    """What the fields start with: those of a plan, and for the others something usual."""
    usual = Plan("daily", minute=0, hour=8, weekdays=(1, 2, 3, 4, 5))
    shown = plan or usual
    timed = shown if shown.rhythm not in ("minutes", "hours") else usual
    return {
        "rhythm": plan.rhythm if plan else "",
        "minutes": shown.step if shown.rhythm == "minutes" else 15,
        "hours": shown.step if shown.rhythm == "hours" else 1,
        "minute": shown.minute if shown.rhythm == "hours" else 0,
        "weekdays": [str(number) for number in shown.weekdays or usual.weekdays],
        "day": shown.day,
        "position": shown.position,
        "weekday": str(shown.weekday),
        "time": dt.time(timed.hour, timed.minute),
    }
