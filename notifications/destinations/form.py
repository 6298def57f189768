"""The form of a destination, which the pages and the API use: its fields follow from its channel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from notifications.channels import CHANNELS
from notifications.channels.base import Field
from notifications.channels.http import url_problem
from notifications.models import HIDDEN, Destination, masked_url
from scheduler_site.lib.encrypted import Undecryptable
from scheduler_site.lib.text import unseen

# Before the names of the settings of a channel, which could be called like one of ours.
PREFIX = "settings_"


class DestinationForm(forms.Form):
    """A stored secret is shown masked, and stays when it is sent back as it was shown."""

    name = forms.CharField(label=_("name"), max_length=100)
    is_enabled = forms.BooleanField(label=_("Send messages there"), required=False, initial=True)
    is_default = forms.BooleanField(
        label=_("Default destination"),
        required=False,
        help_text=_("Hears of all jobs for which neither the job nor its team names destinations."),
    )
    teams = forms.ModelMultipleChoiceField(
        queryset=Team.objects.filter(is_active=True).order_by("name"),
        label=_("teams"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        to_field_name="slug",
        help_text=_("Jobs of these teams are told of here, unless they name destinations of their own."),
    )

    def __init__(self, data: Any = None, *, destination: Destination) -> None:
        self.destination = destination
        self.settings = CHANNELS[destination.channel].fields
        super().__init__(data, initial=shown(destination))
        for one in self.settings:
            self.fields[f"{PREFIX}{one.name}"] = _field(one)

    @property
    def setting_fields(self) -> list[forms.BoundField]:
        return [self[f"{PREFIX}{one.name}"] for one in self.settings]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if unseen(name):
            raise ValidationError(_("The name has an invisible character."))
        if Destination.objects.filter(name__iexact=name).exclude(pk=self.destination.pk).exists():
            raise ValidationError(_("Another destination has this name."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        stored = self.destination.settings
        values = {}
        for one in self.settings:
            given = str(cleaned.get(f"{PREFIX}{one.name}", ""))
            kept = one.is_secret and given == masked(one, self.destination)
            values[one.name] = stored.get(one.name, "") if kept else given
            if not kept and (problem := _problem(one, given)):
                self.add_error(f"{PREFIX}{one.name}", problem)
        self._keep_from_others(stored, values)
        cleaned["settings"] = values
        return cleaned

    def _keep_from_others(self, stored: Mapping[str, str], values: Mapping[str, str]) -> None:
        """A stored secret is not sent to another host than the one that it was entered for."""
        places = [one.name for one in self.settings if one.is_address]
        if not self.destination.pk or all(_origin(stored.get(n)) == _origin(values[n]) for n in places):
            return
        for one in self.settings:
            if one.is_secret and not one.is_address and values[one.name] == stored.get(one.name):
                self.add_error(f"{PREFIX}{one.name}", _("The address is another one: write this anew."))


def shown(destination: Destination) -> dict[str, Any]:
    """What a page or an API may show of it, by the names of the form."""
    fields = CHANNELS[destination.channel].fields
    values: dict[str, Any] = {
        name: getattr(destination, name) for name in ("name", "is_enabled", "is_default")
    }
    values["teams"] = [team.slug for team in destination.teams.all()] if destination.pk else []
    return values | {f"{PREFIX}{one.name}": masked(one, destination) for one in fields}


def masked(one: Field, destination: Destination) -> str:
    """A setting as it may be shown."""
    value = destination.settings.get(one.name, "" if destination.pk else one.default)
    if not one.is_secret:
        return value
    if isinstance(destination.secrets, Undecryptable):
        return HIDDEN
    return masked_url(value) if one.is_address else HIDDEN if value else ""


def keys_of(destination: Destination) -> list[str]:
    """Of each secret setting whether there is one, and nothing of the secret itself."""
    if isinstance(destination.secrets, Undecryptable):
        return [str(_("The secrets cannot be decrypted."))]
    hidden = [one for one in CHANNELS[destination.channel].fields if one.is_secret]
    told = {True: _("%(name)s: set"), False: _("%(name)s: missing")}
    return [told[bool(destination.settings.get(one.name))] % {"name": one.label} for one in hidden]


def _field(one: Field) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"})
    field = forms.CharField(
        label=one.label, required=one.is_required, max_length=one.longest, help_text=one.help, widget=widget
    )
    if one.is_secret:
        kept = _("Stored encrypted and shown masked. Leave it unchanged to keep the stored value.")
        field.help_text = f"{one.help} {kept}".strip()
    return field


def _problem(one: Field, value: str) -> str:
    if not value:
        return ""
    if one.is_address:
        return url_problem(value)
    if unseen(value):
        return str(_("There is an invisible character in it."))
    return str(one.shape) if one.pattern and not re.fullmatch(one.pattern, value) else ""


def _origin(url: str | None) -> tuple[str, str]:
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc
