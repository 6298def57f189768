"""Verbs for the Slack settings."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from audit.models import Entry
from audit.record import MASK, Actor, difference, record
from notifications.channels import http
from notifications.delivery.outbox import compose
from notifications.destinations.verbs import send_now, test_message
from notifications.models import Alert, SlackSettings
from scheduler_site.lib import clock


class Invalid(Exception):
    """The settings contradict each other or cannot work; the text says why."""


@transaction.atomic
def update_slack(values: dict[str, Any], *, by: Actor) -> SlackSettings:
    """Changes `is_enabled`, `webhook_url`, `channel`, those that are given. Raises Invalid, and changes nothing then.

    The masked URL, sent back as it was shown, means the stored one.
    """
    SlackSettings.load()
    slack = SlackSettings.objects.select_for_update().get(pk=SlackSettings.ONLY)
    before, url = _described(slack), slack.webhook_url
    given = values.get("webhook_url", url)
    new_url = url if given == slack.masked_url else given
    if new_url != url:  # a stored URL that cannot be decrypted looks empty, and stays
        slack.secrets = {"webhook_url": new_url} if new_url else {}
    slack.is_enabled = values.get("is_enabled", slack.is_enabled)
    slack.channel = values.get("channel", slack.channel)
    problem = http.url_problem(new_url)
    if problem and (new_url or slack.is_enabled):
        raise Invalid(problem)
    slack.updated_by = by.user
    slack.save()
    changes = difference(before, _described(slack))
    if url != new_url:
        changes["webhook_url"] = {"old": MASK if url else "", "new": MASK if new_url else ""}
    if changes:
        record(Entry.Event.MODIFIED, slack, by=by, changes=changes)
    return slack


def test_slack() -> Alert:
    """Sends a test message now; returns its alert with the result. Waits for Slack, ten seconds at most."""
    message = test_message()
    return send_now(
        compose(f"test:{uuid.uuid4()}", Alert.Event.TEST, Alert.Channel.SLACK, message, clock.now())
    )


def _described(slack: SlackSettings) -> dict[str, Any]:
    return {"is_enabled": slack.is_enabled, "channel": slack.channel}
