"""The registry of channels; each is one module."""

from __future__ import annotations

from notifications.channels.base import Channel
from notifications.channels.discord import Discord
from notifications.channels.email import Email
from notifications.channels.inbox import Inbox
from notifications.channels.pagerduty import PagerDuty
from notifications.channels.slack import Slack
from notifications.channels.teams import Teams
from notifications.channels.webhook import Webhook

_ALL: tuple[Channel, ...] = (Email(), Inbox(), Slack(), Teams(), Discord(), PagerDuty(), Webhook())
CHANNELS: dict[str, Channel] = {channel.name: channel for channel in _ALL}
# Those of which there are destinations with settings.
WITH_DESTINATIONS = {name: channel for name, channel in CHANNELS.items() if channel.fields}
