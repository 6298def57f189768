"""PagerDuty, Events API v2: opens, acknowledges and resolves one incident there for each of ours, under a stable key."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.channels import http
from notifications.channels.base import AlertMessage, Field, Label, RenderedMessage, cut
from notifications.channels.service import Service
from notifications.messages import one_line
from notifications.models import Alert

EVENTS = "https://events.pagerduty.com/v2/enqueue"
SUMMARY, KEY, DETAIL = 1024, 255, 2000
Event = Alert.Event
# What by itself ends an incident; what is told elsewhere, since nobody need get up for it.
GOOD = frozenset({Event.JOB_SUCCEEDED, Event.RECOVERED, Event.SYSTEM_RECOVERED, Event.CLOSED})
CALM = frozenset({Event.ENDING_SOON, Event.AUTO_PAUSED, Event.DIGEST})
WARNINGS = frozenset({Event.LATE, Event.OVERRUN, Event.UNUSUAL, Event.FLAPPING})
# What a phase of an incident means there; all others open it, or tell more of it.
PHASES = {"recovered": "resolve", "closed": "resolve", "acknowledged": "acknowledge"}


class PagerDuty(Service):
    name: ClassVar[str] = Alert.Channel.PAGERDUTY
    label: ClassVar[Label] = "PagerDuty"
    about: ClassVar[Label] = _("Opens an incident in PagerDuty, and resolves it when the job has recovered.")
    service: ClassVar[str] = "PagerDuty"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "routing_key",
            _("Integration key"),
            _("In PagerDuty: the service's integration “Events API v2”."),
            is_secret=True,
            longest=32,
            pattern=r"[A-Za-z0-9]{32}",
            shape=_("An integration key has 32 letters and digits."),
        ),
        Field(
            "url",
            _("Events URL"),
            _("Accounts in the EU: https://events.eu.pagerduty.com/v2/enqueue"),
            is_address=True,
            default=EVENTS,
        ),
    )

    def wants(self, event: Alert.Event) -> bool:
        return event not in CALM

    def worded(self, news: AlertMessage) -> RenderedMessage:
        action, key = _action(news), _key(news)
        told: dict[str, Any] = {"event_action": action, "dedup_key": key}
        if action == "trigger":
            told |= {"payload": _payload(news), "client": "Belfry", "client_url": news.message.link}
            told["links"] = [{"href": news.message.link, "text": "Belfry"}] if news.message.link else []
        return RenderedMessage(http.as_json(told))

    def request(self, alert: Alert, settings: Mapping[str, str], now: dt.datetime) -> http.Request:
        return _request(json.loads(alert.text), settings)

    def send(self, alert: Alert, now: dt.datetime) -> None:
        super().send(alert, now)
        if alert.event == Event.TEST and (target := self.target(alert)):
            # Nobody need look after a test.
            over = {"event_action": "resolve", "dedup_key": json.loads(alert.text)["dedup_key"]}
            self.judge(http.call(_request(over, target.settings), self.service))


def _request(told: dict[str, Any], settings: Mapping[str, str]) -> http.Request:
    body = {"routing_key": settings.get("routing_key", ""), **told}
    return http.Request(settings.get("url", EVENTS), http.as_json(body).encode())


def _action(news: AlertMessage) -> str:
    if phase := news.message.thread.phase.value:
        return PHASES.get(phase, "trigger")
    return "resolve" if news.event in GOOD else "trigger"


def _key(news: AlertMessage) -> str:
    """The incident's; without one the job's, so that its problems are one incident there."""
    if news.message.thread.key:
        return news.message.thread.key[:KEY]
    if news.about.job_uid and news.event != Event.TEST:
        return f"job:{news.about.job_uid}"
    return news.key[:KEY]


def _payload(news: AlertMessage) -> dict[str, Any]:
    message = news.message
    details: dict[str, Any] = {label: cut(value, DETAIL) for label, value in message.pairs()}
    if message.log:
        details["log"] = list(message.log)
    severity = "info" if news.event == Event.TEST else "warning" if news.event in WARNINGS else "critical"
    return {
        "summary": cut(one_line(str(message.subject)), SUMMARY),
        "source": "Belfry",
        "severity": severity,
        "timestamp": f"{news.at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.000+0000}",
        "component": news.about.job_name or "Belfry",
        "class": news.event.value,
        "custom_details": details,
    }
