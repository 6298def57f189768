"""Any receiver: a signed POST of JSON, described in docs/alerts.md."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.channels import http
from notifications.channels.base import AlertMessage, Field, Label, RenderedMessage, cut
from notifications.channels.service import Service
from notifications.models import Alert
from scheduler_site.lib.signing import HEADER, signature

# Of one text; the whole stays far below what receivers usually take.
LONGEST = 2000


class Webhook(Service):
    name: ClassVar[str] = Alert.Channel.WEBHOOK
    label: ClassVar[Label] = _("webhook")
    about: ClassVar[Label] = _("A signed POST of JSON to a service of your own.")
    service: ClassVar[str] = "the webhook"
    fields: ClassVar[tuple[Field, ...]] = (
        Field("url", _("URL"), is_secret=True, is_address=True),
        Field(
            "key",
            _("Signing key"),
            _("The receiver verifies the header X-Belfry-Signature with it (HMAC-SHA256)."),
            is_secret=True,
            longest=200,
            pattern=r".{16,}",
            shape=_("Write at least 16 characters."),
        ),
    )

    def wants(self, event: Alert.Event) -> bool:
        return True

    def worded(self, news: AlertMessage) -> RenderedMessage:
        message = news.message
        return RenderedMessage(
            http.as_json(
                {
                    "id": str(news.uid),
                    "event": news.event.value,
                    "phase": message.thread.phase.value,
                    "incident": message.thread.key,
                    "at": f"{news.at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "job": _job(news),
                    "run": str(news.about.execution_uid) if news.about.execution_uid else None,
                    "subject": cut(str(message.subject), LONGEST),
                    "facts": [
                        {"label": label, "value": cut(value, LONGEST)} for label, value in message.pairs()
                    ],
                    "log": list(message.log),
                    "closing": str(message.closing),
                    "link": message.link,
                }
            )
        )

    def request(self, alert: Alert, settings: Mapping[str, str], now: dt.datetime) -> http.Request:
        body = alert.text.encode()
        return http.Request(
            settings.get("url", ""),
            body,
            {
                HEADER: signature(settings.get("key", ""), body, int(now.timestamp())),
                "X-Belfry-Event": alert.event,
                # The same however often it is sent: a receiver can tell a repetition by it.
                "Idempotency-Key": str(alert.uid),
            },
        )


def _job(news: AlertMessage) -> dict[str, Any] | None:
    return {"id": str(news.about.job_uid), "name": news.about.job_name} if news.about.job_uid else None
