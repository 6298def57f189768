"""A message about an incident carries its key and where it stands, in every channel."""

from __future__ import annotations

import uuid

from django.utils import timezone

from notifications.delivery.outbox import fan_out
from notifications.incident_thread import IncidentThread, Phase
from notifications.messages import Message
from notifications.models import Alert, SlackSettings

INCIDENT = uuid.UUID(int=7)


def written(message: Message) -> set[tuple[str, str]]:
    SlackSettings(is_enabled=True, secrets={"webhook_url": "https://hooks.slack.com/x"}).save()
    rows = fan_out("a", Alert.Event.JOB_FAILED, message, timezone.now(), people=["user:1"], emails=["a@b.c"])
    assert len(rows) == 3
    return {(row.thread, row.phase) for row in rows}


def test_each_alert_has_the_incident_and_the_phase(db: None) -> None:
    message = Message("s", "h", thread=IncidentThread.of(INCIDENT, Phase.RECOVERED))
    assert written(message) == {(f"incident:{INCIDENT}", "recovered")}


def test_a_message_about_no_incident_has_neither(db: None) -> None:
    assert written(Message("s", "h")) == {("", "")}
