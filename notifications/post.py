"""The one way into the table of alerts. Called in the transaction of the event; sent after its commit."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from celery import current_app
from django.db import transaction

from notifications.background import later
from notifications.messages import Message, one_line, subject_line
from notifications.models import LONGEST_NAME, Alert
from scheduler_site.text import storable

log = logging.getLogger("notifications.post")

TASK = "notifications.deliver"
BATCH = 100
GIVE_UP = dt.timedelta(hours=24)


@dataclass(frozen=True)
class About:
    """The job and the run that an alert is about; empty for the system's own."""

    job_uid: uuid.UUID | None = None
    job_name: str = ""
    execution_uid: uuid.UUID | None = None


NOTHING = About()


def compose(
    key: str,
    event: Alert.Event,
    channel: Alert.Channel,
    message: Message,
    now: dt.datetime,
    *,
    recipients: Iterable[str] = (),
    about: About = NOTHING,
) -> Alert:
    """An unsaved alert. `key` says which event it is; channel and recipients are added to it by the caller's choice."""
    texts = {
        Alert.Channel.EMAIL: message.text,
        Alert.Channel.SLACK: message.slack,
        Alert.Channel.INBOX: message.inbox,
    }
    subject = (message.title if channel == Alert.Channel.INBOX else "") or message.subject
    return Alert(
        key=f"{key}:{channel}"[:200],
        event=event,
        channel=channel,
        recipients=list(recipients),
        subject=subject_line(subject),
        text=storable(texts[channel]()),
        html=storable(message.html()) if channel == Alert.Channel.EMAIL else "",
        link=message.link[:500],
        job_uid=about.job_uid,
        job_name=one_line(about.job_name)[:LONGEST_NAME],
        execution_uid=about.execution_uid,
        next_attempt_at=now,
        give_up_at=now + GIVE_UP,
        created_at=now,
    )


def post(alerts: Iterable[Alert]) -> None:
    """Writes alerts, those that exist already excepted, and has them delivered once the transaction is committed."""
    rows = list(alerts)
    if not rows:
        return
    Alert.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
    transaction.on_commit(partial(later, partial(announce, [str(row.uid) for row in rows])))


def announce(uids: list[str]) -> None:
    """Tells the system workers which alerts wait. A message is only a hint: what gets lost is found by the sweep."""
    try:
        for start in range(0, len(uids), BATCH):
            current_app.send_task(TASK, args=[uids[start : start + BATCH]], queue="system", retry=False)
    except Exception as error:
        # Every kind of broker has errors of its own, and all of them mean the same here.
        log.warning("announce_failed", extra={"alerts": len(uids), "error": str(error)})
