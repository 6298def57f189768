"""The forms of the pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.channels import http
from notifications.models import SlackSettings


class SlackForm(forms.Form):
    """Slack as a page shows it: the stored URL stays unless another one is written."""

    is_enabled = forms.BooleanField(label=_("Send messages to Slack"), required=False)
    webhook_url = forms.CharField(
        label=_("Incoming webhook"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
        help_text=_("Stored encrypted and shown masked. Leave it unchanged to keep the stored value."),
    )
    channel = forms.CharField(
        label=pgettext_lazy("in Slack", "Channel"),
        required=False,
        max_length=100,
        help_text=_("Empty: the webhook's own channel."),
    )

    def __init__(self, data: Any = None, *, slack: SlackSettings) -> None:
        self.slack = slack
        initial = {
            "is_enabled": slack.is_enabled,
            "webhook_url": slack.masked_url,
            "channel": slack.channel,
        }
        super().__init__(data, initial=initial)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        given = cleaned.get("webhook_url", "")
        url = self.slack.webhook_url if given == self.slack.masked_url else given
        problem = http.url_problem(url)
        if problem and (url or cleaned.get("is_enabled")):
            self.add_error("webhook_url", problem)
        return cleaned
