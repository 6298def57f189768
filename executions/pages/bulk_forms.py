"""Forms for the arguments of bulk actions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Category, Team, User
from accounts.roles import holders, home_category
from executions.bulk.commands import BulkCommand
from executions.models import BulkAction
from jobs.forms.page import PauseForm
from jobs.schedule import zone
from scheduler_site.lib import clock

Verb = BulkAction.Verb


class CommandForm(forms.Form):
    """For verbs that need nothing."""

    def __init__(self, *args: Any, user: User, zone_name: str, verb: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.zone_name, self.verb = user, zone_name, verb

    def command(self) -> BulkCommand:
        return BulkCommand(self.verb)


class BulkPauseForm(CommandForm, PauseForm):
    """The time is meant in the zone that the page names."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        until = self._until()
        if until is not None and until <= clock.now():
            self.add_error("until", _("The time of the resumption has passed already."))
        return cleaned

    def command(self) -> BulkCommand:
        return BulkCommand(self.verb, reason=self.cleaned_data["reason"], until=self._until())

    def _until(self) -> dt.datetime | None:
        value: dt.datetime | None = self.cleaned_data.get("until")
        return value.replace(tzinfo=zone(self.zone_name)).astimezone(dt.UTC) if value else None


class BulkOwnerForm(CommandForm):
    owner = forms.ModelChoiceField(label=_("New owner"), queryset=User.objects.none())
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.filter(is_active=True),
        required=False,
        empty_label=_("as it is"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = User.objects.filter(holders("jobs.change_job"))
        self.fields["owner"].queryset = owners.order_by("username")  # type: ignore[attr-defined]

    def command(self) -> BulkCommand:
        return BulkCommand(self.verb, owner=self.cleaned_data["owner"], team=self.cleaned_data["team"])


class BulkTeamForm(CommandForm):
    team = forms.ModelChoiceField(
        label=_("New team"),
        queryset=Team.objects.filter(is_active=True),
        required=False,
        empty_label=_("none"),
    )

    def command(self) -> BulkCommand:
        return BulkCommand(self.verb, team=self.cleaned_data["team"])


class BulkCategoryForm(CommandForm):
    category = forms.ModelChoiceField(label=_("New category"), queryset=Category.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        home, active = home_category(self.user), Category.objects.filter(is_active=True)
        self.fields["category"].queryset = (  # type: ignore[attr-defined]
            active if home is None else active.filter(pk=home)
        )

    def command(self) -> BulkCommand:
        return BulkCommand(self.verb, category=self.cleaned_data["category"])


FORMS: dict[str, type[CommandForm]] = {
    Verb.PAUSE: BulkPauseForm,
    Verb.OWNER: BulkOwnerForm,
    Verb.TEAM: BulkTeamForm,
    Verb.CATEGORY: BulkCategoryForm,
}


def form_for(verb: str, data: Any, *, user: User, zone_name: str) -> CommandForm:
    return FORMS.get(verb, CommandForm)(data, user=user, zone_name=zone_name, verb=verb)
