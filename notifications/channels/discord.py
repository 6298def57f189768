"""Discord, through a webhook of a channel. Limits: https://discord.com/developers/docs/resources/message#embed-object-embed-limits."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.channels import http
from notifications.channels.base import AlertMessage, Field, Label, RenderedMessage, cut
from notifications.channels.service import Service
from notifications.messages import Message, one_line
from notifications.models import Alert

TITLE, DESCRIPTION, FIELDS, NAME, VALUE, TOTAL = 256, 4096, 25, 256, 1024, 6000
# Beside the name of each field and the words of ours.
RESERVE = 200
RED, GREEN, GREY = 0xC0392B, 0x2E7D5B, 0x6B7A75
# Every ASCII sign that may mean something in Discord's Markdown, in a mention or in a link, means itself after a backslash.
_SIGN = re.compile(r"([!-/:-@\[-`{-~])")


class Discord(Service):
    name: ClassVar[str] = Alert.Channel.DISCORD
    label: ClassVar[Label] = "Discord"
    about: ClassVar[Label] = gettext_lazy(
        "Messages in a channel of a Discord server. They notify nobody by name."
    )
    service: ClassVar[str] = "Discord"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "webhook_url",
            gettext_lazy("Webhook URL"),
            gettext_lazy("In Discord: channel settings, Integrations, Webhooks."),
            is_secret=True,
            is_address=True,
        ),
    )

    def worded(self, news: AlertMessage) -> RenderedMessage:
        embed = _embed(news.message, _colour(news))
        # Nothing in it may notify anybody, whatever it says.
        return RenderedMessage(http.as_json({"embeds": [embed], "allowed_mentions": {"parse": []}}))

    def request(self, alert: Alert, settings: Mapping[str, str], now: dt.datetime) -> http.Request:
        return http.Request(settings.get("webhook_url", ""), alert.text.encode())


def escape(text: str, longest: int) -> str:
    """Text that Discord shows as it is; cut so that the escaped form fits."""
    escaped = _SIGN.sub(r"\\\1", text)
    if len(escaped) <= longest:
        return escaped
    piece = escaped[: longest - 1]
    # A backslash that has lost its sign goes.
    return f"{piece[:-1] if (len(piece) - len(piece.rstrip(chr(92)))) % 2 else piece}…"


def _embed(message: Message, colour: int) -> dict[str, Any]:
    embed: dict[str, Any] = {"title": escape(one_line(str(message.subject)), TITLE), "color": colour}
    if message.link:
        embed["url"] = message.link
    room = TOTAL - RESERVE - len(embed["title"])
    fields, pairs = [], message.pairs()
    for label, value in pairs[: FIELDS - 1]:
        # Some room is kept for the others and for the log.
        said = {"name": escape(label, NAME), "value": escape(value, min(VALUE, max(2, room // 2))) or "–"}
        room -= len(said["name"]) + len(said["value"])
        fields.append(said)
    if len(pairs) > len(fields):
        fields.append({"name": "…", "value": "–"})
    embed["fields"] = fields
    if log := _log(message, min(DESCRIPTION, room)):
        embed["description"] = log
    return embed


def _log(message: Message, room: int) -> str:
    """The newest lines that fit, as code, which none of them can end."""
    kept: list[str] = []
    title = _("Last lines of the log")
    room -= len(title) + 12
    for line in reversed(message.log):
        safe = line.replace("```", "'''")
        if len(safe) + 1 > room:
            kept.append(cut(safe, room - 1) if not kept and room > 1 else "…")
            break
        kept.append(safe)
        room -= len(safe) + 1
    return f"{title}\n```\n" + "\n".join(reversed(kept)) + "\n```" if kept else ""


def _colour(news: AlertMessage) -> int:
    good = {Alert.Event.JOB_SUCCEEDED, Alert.Event.RECOVERED, Alert.Event.SYSTEM_RECOVERED}
    calm = {Alert.Event.TEST, Alert.Event.ENDING_SOON, Alert.Event.AUTO_PAUSED, Alert.Event.DIGEST}
    return GREEN if news.event in good else GREY if news.event in calm else RED
