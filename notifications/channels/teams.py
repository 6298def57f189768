"""Microsoft Teams, through the address of a workflow or an incoming webhook: an Adaptive Card."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.channels import http
from notifications.channels.base import (
    AlertMessage,
    Field,
    Label,
    PermanentFailure,
    RenderedMessage,
    TemporaryFailure,
    cut,
)
from notifications.channels.service import Service
from notifications.messages import Message, one_line
from notifications.models import Alert

# Teams says that it takes 28 KB; cards that are a little smaller have been refused.
MOST_BYTES = 20_000
SUBJECT, VALUE, FACTS = 300, 2000, 30
Block = dict[str, Any]


class Teams(Service):
    name: ClassVar[str] = Alert.Channel.TEAMS
    label: ClassVar[Label] = "Microsoft Teams"
    about: ClassVar[Label] = gettext_lazy("Cards in a channel of Microsoft Teams.")
    service: ClassVar[str] = "Teams"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "webhook_url",
            gettext_lazy("Workflow URL"),
            gettext_lazy(
                "In Teams: Workflows, “Post to a channel when a webhook request is received”. Incoming webhooks work too."
            ),
            is_secret=True,
            is_address=True,
            longest=2000,
        ),
    )

    def worded(self, news: AlertMessage) -> RenderedMessage:
        return RenderedMessage(http.as_json(_fitting(news.message)))

    def request(self, alert: Alert, settings: Mapping[str, str], now: dt.datetime) -> http.Request:
        return http.Request(settings.get("webhook_url", ""), alert.text.encode())

    def judge(self, answer: http.Answer) -> None:
        """Incoming webhooks answer 200 to what Teams then refused, and say so in the text."""
        super().judge(answer)
        if answer.status == 200 and "HTTP error" in answer.text:
            if "HTTP error 429" in answer.text or "HTTP error 5" in answer.text:
                raise TemporaryFailure("Teams answered 200, but did not take the message", answer.wait)
            raise PermanentFailure("Teams answered 200, but refused the message")


def _fitting(message: Message) -> Block:
    """The card; without the oldest lines of the log, then with ever shorter texts, where it would be too large."""
    log, longest = list(message.log), VALUE
    while True:
        card = _card(message, log, longest)
        if len(http.as_json(card).encode()) <= MOST_BYTES or longest < 20:
            return card
        if log:
            log = log[len(log) // 2 + 1 :]
        else:
            longest //= 2


def _card(message: Message, log: list[str], longest: int) -> Block:
    body = [_text(one_line(cut(str(message.subject), min(SUBJECT, longest))), weight="Bolder", size="Medium")]
    pairs = message.pairs()
    for label, value in pairs[:FACTS]:
        bold = {"type": "TextRun", "text": f"{cut(label, longest)}: ", "weight": "Bolder"}
        first, *more = cut(value, longest).split("\n")
        body.append(_runs([bold, {"type": "TextRun", "text": first}]))
        body += [_text(line, spacing="None") for line in more if line]
    if message.log:
        body.append(_text(_("Last lines of the log"), weight="Bolder"))
        shown = log if len(log) == len(message.log) else ["…", *log]
        body += [_text(line, fontType="Monospace", spacing="None") for line in shown]
    if len(pairs) > FACTS:
        body.append(_text("…"))
    if message.closing:
        body.append(_text(cut(str(message.closing), longest)))
    link = {"type": "Action.OpenUrl", "title": _("Open in Belfry"), "url": message.link}
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [link] if message.link else [],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": content}]}


def _text(text: str, spacing: str = "", **look: str) -> Block:
    return _runs([{"type": "TextRun", "text": text, **look}], spacing)


def _runs(runs: list[Block], spacing: str = "") -> Block:
    """Runs of text are shown as they are; a TextBlock or a FactSet would read Markdown in them."""
    return {"type": "RichTextBlock", "inlines": runs} | ({"spacing": spacing} if spacing else {})
