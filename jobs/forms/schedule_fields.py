"""The part of the job form that says when a job runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.forms.timing import FAULTY, MOMENT, SCHEDULE, SCHEDULE_OF, entered, in_reach
from jobs.models import Job, stored_schedule
from jobs.models.stored_schedule import Timing
from jobs.schedule import ScheduleError
from jobs.schedule_text.refusals import refusal


class ScheduleFields(forms.Form):
    """`timing` is what they say, or none where they are wrong. A form of jobs has them before its own fields."""

    instance: Job
    new: bool
    timing: Timing | None

    schedule_kind = forms.ChoiceField(
        label=_("Runs"),
        initial="cron",
        choices=[
            ("cron", _("by a cron expression")),
            ("interval", _("at an interval")),
            ("once", _("once")),
            ("none", _("manual only")),
        ],
    )
    expression = forms.CharField(label=_("Cron expression"), required=False, max_length=100, strip=True)
    timezone = forms.CharField(label=_("Time zone"), required=False, max_length=64)
    day_rule = forms.ChoiceField(
        label=_("Day matching"),
        required=False,
        choices=[("either", _("day of month OR weekday")), ("both", _("day of month AND weekday"))],
    )
    every = forms.IntegerField(label=_("Every"), required=False, min_value=1, max_value=100_000_000)
    period = forms.ChoiceField(
        label=_("Unit"),
        required=False,
        initial="minutes",
        choices=[
            ("seconds", _("seconds")),
            ("minutes", _("minutes")),
            ("hours", _("hours")),
            ("days", _("days")),
        ],
    )
    at = forms.DateTimeField(
        label=_("At"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format=MOMENT),
        help_text=_("In the job's time zone."),
    )

    def clean_at(self) -> dt.datetime | None:
        return in_reach(self.cleaned_data["at"])

    def clean_schedule(self, cleaned: dict[str, Any]) -> None:
        self.timing = None
        kind = cleaned.get("schedule_kind")
        if kind is not None:
            self.forget(name for name in SCHEDULE if name not in SCHEDULE_OF[kind])
        if kind is None or any(name in self.errors for name in SCHEDULE):
            return
        try:
            timing = entered(kind, cleaned, None if self.new else self.instance.timing)
            unchanged = not self.new and timing.same_schedule(self.instance.timing)
            self.timing = self.instance.timing if unchanged else timing
            self._clean_end(cleaned, timing)
        except ScheduleError as error:
            # The error names a field of the form.
            self.add_error(error.field if error.field in FAULTY else "expression", refusal(error))

    def _clean_end(self, cleaned: dict[str, Any], timing: Timing) -> None:
        """An end date that nobody gave makes room. One before the next due time is meant: so people retire a job."""
        end = cleaned.get("end_date")
        if end is None or timing.kind != "once" or self.end_date_was_chosen():
            return
        if timing.at and timing.at >= (stored_schedule.end_of(end) or timing.at):
            cleaned["end_date"] = timing.at.date() + dt.timedelta(days=1)

    def end_date_was_chosen(self) -> bool:
        """Whether somebody gave the end date, or it is the one for whoever gives none."""
        return bool(self.data.get("end_date"))

    def forget(self, names: Iterable[str]) -> None:
        """Drops what belongs to another choice than the one that was made: it is hidden, so nobody could correct it."""
        for name in names:
            self.errors.pop(name, None)
            self.cleaned_data[name] = None
