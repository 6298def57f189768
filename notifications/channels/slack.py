"""Slack, through incoming webhooks. One has a page and a route of its own (`SlackSettings`); others are destinations."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from notifications.channels import http
from notifications.channels.base import AlertMessage, Field, Label, RenderedMessage
from notifications.channels.service import Service, Target
from notifications.messages import Message, one_line
from notifications.models import Alert, SlackSettings

# Slack refuses longer texts.
LONGEST = 3000
# What Slack itself uses to address a group or a member; anything else is shown as it was written.
_MENTION = re.compile(r"<(!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)>")
_BROKEN_ESCAPE = re.compile(r"&[a-z]{0,3}\Z")
_GROUP, _MEMBER = re.compile(r"S[A-Z0-9]{5,}"), re.compile(r"[UW][A-Z0-9]{5,}")


class Slack(Service):
    name: ClassVar[str] = Alert.Channel.SLACK
    label: ClassVar[Label] = gettext_lazy("Slack")
    about: ClassVar[Label] = gettext_lazy(
        "Messages in a channel. They mention the job's team by its Slack handle."
    )
    service: ClassVar[str] = "Slack"
    fields: ClassVar[tuple[Field, ...]] = (
        Field("webhook_url", gettext_lazy("Incoming webhook"), is_secret=True, is_address=True),
        Field(
            "channel",
            pgettext_lazy("in Slack", "Channel"),
            gettext_lazy("Empty: the webhook's own channel."),
            is_required=False,
            longest=100,
        ),
    )

    def worded(self, news: AlertMessage) -> RenderedMessage:
        return RenderedMessage(said(news.message))

    def request(self, alert: Alert, settings: Mapping[str, str], now: dt.datetime) -> http.Request:
        channel = settings.get("channel", "")
        payload = {"text": alert.text} | ({"channel": channel} if channel else {})
        return http.Request(settings.get("webhook_url", ""), http.as_json(payload).encode())

    def target(self, alert: Alert) -> Target | None:
        if alert.destination_uid:
            return super().target(alert)
        slack = SlackSettings.objects.filter(pk=SlackSettings.ONLY).first()
        if slack is None:
            return Target({}, is_enabled=False)
        return Target({"webhook_url": slack.webhook_url, "channel": slack.channel}, slack.is_enabled)


def said(message: Message) -> str:
    """Slack's mrkdwn, with its three control characters as text, so that no name can notify a channel."""
    lines = [f"*{escape(one_line(str(message.subject)))}*", *map(escape, message.lines())]
    if message.log:
        # A code block, which none of its lines can end.
        code = escape("\n".join(message.log).replace("```", "'''"))
        lines.append(f"{escape(_('Last lines of the log'))}\n```{code}```")
    if message.closing:
        lines.append(escape(str(message.closing)))
    text = "\n".join(lines)
    text = text if len(text) <= LONGEST else _cut(text)
    if message.link:
        text += f"\n<{escape(message.link)}|{escape(_('Open in Belfry'))}>"
    return f"{mention(message.mention)} {text}".strip()


def escape(text: str) -> str:
    """Slack's control characters as text (https://api.slack.com/reference/surfaces/formatting#escaping)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mention(handle: str) -> str:
    """How a message addresses a team: by the id of a group or member where the handle is one, else as plain text."""
    handle = handle.strip()
    if _MENTION.fullmatch(handle):
        return handle
    name = handle.removeprefix("@")
    if _GROUP.fullmatch(name):
        return f"<!subteam^{name}>"
    if _MEMBER.fullmatch(name):
        return f"<@{name}>"
    return escape(one_line(handle))


def _cut(text: str) -> str:
    """A piece that ends before an escape that it would break, ends a code block, and says that it is one."""
    kept = _BROKEN_ESCAPE.sub("", text[: LONGEST - 2])
    lines = kept.rpartition("\n")[0]
    # At a line's end where that is near; of one long line, such as a page of HTML, its beginning is all that there is.
    kept = lines if len(lines) > LONGEST // 2 else kept
    return kept + ("```" if kept.count("```") % 2 else "") + "\n…"
