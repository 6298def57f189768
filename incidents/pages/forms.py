"""The forms of the pages."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Team, User
from accounts.roles import holders
from incidents import filters
from incidents.models import EscalationStep, Incident, ReminderRules
from incidents.models.rules import MINUTES_OF_A_WEEK
from incidents.verbs import LONGEST_COMMENT
from notifications.models import Alert

HOURS = [
    ("1", _("1 hour")),
    ("4", _("4 hours")),
    ("24", _("1 day")),
    ("72", _("3 days")),
    ("168", _("1 week")),
]
FOREVER = ""


class Filters(forms.Form):
    """The filter of the list."""

    q = forms.CharField(label=_("Job"), required=False, max_length=200)
    show = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("open and not acknowledged")),
            (filters.OPEN, _("all open")),
            (filters.CLOSED, pgettext_lazy("incident", "closed")),
            (filters.ALL, _("all")),
        ],
    )
    whose = forms.ChoiceField(
        label=_("Whose"),
        required=False,
        choices=[("", _("all")), (filters.MINE, _("mine")), (filters.TEAM, _("my teams'"))],
    )
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("all")), *Incident.Kind.choices]
    )

    def wanted(self) -> filters.IncidentFilter:
        """The filter; invalid values are ignored."""
        given: dict[str, Any] = self.cleaned_data if self.is_valid() else getattr(self, "cleaned_data", {})
        show = given.get("show") or ""
        return filters.IncidentFilter(
            show=show or filters.OPEN,
            whose=given.get("whose") or filters.ALL,
            states=frozenset() if show else frozenset({Incident.State.OPEN.value}),
            kinds=frozenset({given["kind"]}) if given.get("kind") else frozenset(),
            text=given.get("q") or "",
        )


class AssignForm(forms.Form):
    assignee = forms.ModelChoiceField(
        label=_("Assignee"),
        queryset=User.objects.none(),
        required=False,
        to_field_name="username",
        empty_label=_("nobody"),
    )

    def __init__(self, data: Any = None, *, incident: Incident) -> None:
        super().__init__(data, initial={"assignee": incident.assignee})
        self.fields["assignee"].queryset = people()  # type: ignore[attr-defined]


class SnoozeForm(forms.Form):
    """For so long, or until a time in the zone of the reader, which goes first."""

    hours = forms.ChoiceField(label=_("Snooze for"), choices=HOURS, initial="4", required=False)
    until = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.fields["until"].label = _("or until (%(zone)s)") % {"zone": zone}

    def clean_until(self) -> dt.datetime | None:
        until: dt.datetime | None = self.cleaned_data["until"]
        if until and not 1971 <= until.year <= 9000:
            raise ValidationError(_("Choose a year from 1971 to 9000."))
        return until

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not (cleaned["hours"] or cleaned["until"]):
            self.add_error("until", _("Say how long, or until when."))
        return cleaned

    def end(self, now: dt.datetime) -> dt.datetime:
        if until := self.cleaned_data["until"]:
            # Django interpreted it in its own time zone.
            wall: dt.datetime = until.replace(tzinfo=ZoneInfo(self.zone))
            return wall.astimezone(dt.UTC)
        return now + dt.timedelta(hours=int(self.cleaned_data["hours"]))


class MuteForm(forms.Form):
    hours = forms.ChoiceField(
        label=_("Mute the job for"), choices=[(FOREVER, _("until it is unmuted")), *HOURS], required=False
    )

    def until(self, now: dt.datetime) -> dt.datetime | None:
        hours = self.cleaned_data["hours"]
        return now + dt.timedelta(hours=int(hours)) if hours else None


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_("Comment"), max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 3})
    )


class RemindersForm(forms.Form):
    """One field for each channel: the minutes between reminders. What is left empty stays."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        current = ReminderRules.current()
        for channel, label in Alert.Channel.choices:
            self.fields[channel] = forms.IntegerField(
                label=label,
                required=False,
                min_value=0,
                max_value=MINUTES_OF_A_WEEK,
                initial=current.get(channel, 0),
            )


class StepForm(forms.ModelForm[EscalationStep]):
    class Meta:
        model = EscalationStep
        fields = ("after", "channel", "user", "team")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = people()  # type: ignore[attr-defined]
        self.fields["user"].empty_label = _("administrators")  # type: ignore[attr-defined]
        self.fields["team"].queryset = Team.objects.filter(is_active=True)  # type: ignore[attr-defined]
        self.fields["team"].empty_label = _("all teams without steps of their own")  # type: ignore[attr-defined]


def people() -> QuerySet[User]:
    """Who may look after an incident."""
    return User.objects.filter(holders("incidents.handle_incident")).order_by("username")
