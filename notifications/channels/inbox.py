"""The inbox of the pages: it lies in the same database, so that an item and the state of its alert are written together."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications import inbox
from notifications.channels.base import AlertMessage, Field, Label, RenderedMessage
from notifications.models import Alert


class Inbox:
    name: ClassVar[str] = Alert.Channel.INBOX
    label: ClassVar[Label] = _("inbox")
    about: ClassVar[Label] = _("Items in the inbox of each person on the pages.")
    fields: ClassVar[tuple[Field, ...]] = ()

    def wants(self, event: Alert.Event) -> bool:
        return True

    def worded(self, news: AlertMessage) -> RenderedMessage:
        title, note = news.message.inbox
        return RenderedMessage(str(note), subject=str(title))

    def send(self, alert: Alert, now: dt.datetime) -> None:
        inbox.place(alert, now)
