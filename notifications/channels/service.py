"""The base of channels that post a document to a destination, whose settings administrators keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from notifications.channels import http
from notifications.channels.base import (
    DEEDS,
    AlertMessage,
    Field,
    Label,
    PermanentFailure,
    RenderedMessage,
    SwitchedOff,
)
from notifications.models import Alert, Destination

TEST = Alert.Event.TEST


@dataclass(frozen=True)
class Target:
    """Where a message goes: the settings of a destination, secret or not."""

    settings: Mapping[str, str]
    is_enabled: bool


class Service:
    """`request` is what a channel has of its own beside its wording; `judge` where an answer says more than its status."""

    name: ClassVar[str]
    label: ClassVar[Label]
    about: ClassVar[Label]
    fields: ClassVar[tuple[Field, ...]]
    # As it is named in errors.
    service: ClassVar[str]

    def wants(self, event: Alert.Event) -> bool:
        return event not in DEEDS

    def worded(self, news: AlertMessage) -> RenderedMessage:
        raise NotImplementedError

    def request(self, alert: Alert, settings: Mapping[str, str], now: dt.datetime) -> http.Request:
        raise NotImplementedError

    def judge(self, answer: http.Answer) -> None:
        http.judge(answer, self.service)

    def send(self, alert: Alert, now: dt.datetime) -> None:
        target = self.target(alert)
        if target is None:
            raise PermanentFailure("the destination has been deleted")
        if not (target.is_enabled or alert.event == TEST):
            raise SwitchedOff(f"{self.service} is switched off")
        self.judge(http.call(self.request(alert, target.settings, now), self.service))

    def target(self, alert: Alert) -> Target | None:
        found = Destination.objects.filter(uid=alert.destination_uid, channel=self.name).first()
        return Target(found.settings, found.is_enabled) if found else None
