"""Outbox: writes alerts in the transaction of their event; they are sent after its commit. Nothing else creates alerts."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Iterable
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils.translation import override

from accounts.models import Preferences, User
from notifications.channels import CHANNELS
from notifications.channels.base import NOTHING, AlertMessage
from notifications.channels.base import AlertSubject as AlertSubject
from notifications.delivery import destinations
from notifications.delivery.background import later
from notifications.messages import Message, one_line, subject_line
from notifications.models import DESTINATION, LONGEST_NAME, Alert, Destination
from notifications.texts import ENGLISH, to_json
from scheduler_site.lib.text import storable

log = logging.getLogger("notifications.delivery.outbox")

TASK = "notifications.delivery.deliver"
BATCH = 100
GIVE_UP = dt.timedelta(hours=24)


def compose(
    key: str,
    event: Alert.Event,
    channel: Alert.Channel,
    message: Message,
    now: dt.datetime,
    *,
    recipients: Iterable[str] = (),
    about: AlertSubject = NOTHING,
    language: str = "",
) -> Alert:
    """An unsaved alert, in the installation's language unless another is named; an inbox gets it in every language.

    `key` says which event it is; channel and recipients are added to it by the caller's choice.
    """
    usual = ENGLISH if channel == Alert.Channel.INBOX else settings.ALERT_LANGUAGE
    uid = uuid.uuid4()
    with override(language or usual):
        told = CHANNELS[channel].worded(AlertMessage(message, event, about, key, uid, now))
        subject = told.subject or str(message.subject)
    suffix = f":{channel}:{language}" if language else f":{channel}"
    return Alert(
        uid=uid,
        key=f"{key}{suffix}"[:200],
        event=event,
        channel=channel,
        recipients=list(recipients),
        subject=subject_line(subject),
        text=storable(told.text),
        html=storable(told.html),
        texts=[to_json(one) for one in message.inbox] if channel == Alert.Channel.INBOX else [],
        link=message.link[:500],
        job_uid=about.job_uid,
        job_name=one_line(about.job_name)[:LONGEST_NAME],
        execution_uid=about.execution_uid,
        account_uid=about.account_uid,
        thread=message.thread.key,
        phase=message.thread.phase.value,
        next_attempt_at=now,
        give_up_at=now + GIVE_UP,
        created_at=now,
    )


def compose_mails(
    key: str,
    event: Alert.Event,
    message: Message,
    now: dt.datetime,
    recipients: Iterable[str],
    about: AlertSubject = NOTHING,
) -> list[Alert]:
    """Unsaved mails, one for each language: addresses of users who have chosen one are written to in theirs."""
    groups: dict[str, list[str]] = {}
    for address, language in languages_of(list(recipients)).items():
        groups.setdefault(language, []).append(address)
    return [
        compose(
            key, event, Alert.Channel.EMAIL, message, now, recipients=group, about=about, language=language
        )
        for language, group in groups.items()
    ]


def fan_out(
    key: str,
    event: Alert.Event,
    message: Message,
    now: dt.datetime,
    *,
    people: Iterable[str] = (),
    emails: Iterable[str] = (),
    slack: bool = True,
    about: AlertSubject = NOTHING,
) -> list[Alert]:
    """Unsaved alerts about one event, one for each way that it takes: mails to `emails`, inboxes, and services.

    `people`: the owners of the inboxes, `user:<uid>` or `category:<id>`. `slack`: whether services are told, those that `about`
    names or the default ones (delivery/destinations.py).
    """
    people, emails = list(people), list(emails)
    rows = compose_mails(key, event, message, now, emails, about) if emails else []
    if slack:
        rows += to_services(key, event, message, now, about)
    if people:
        rows.append(compose(key, event, Alert.Channel.INBOX, message, now, recipients=people, about=about))
    return rows


def to_services(
    key: str, event: Alert.Event, message: Message, now: dt.datetime, about: AlertSubject = NOTHING
) -> list[Alert]:
    """Unsaved alerts for the destinations that hear of it."""
    places = destinations.chosen(about.destinations, about.team)
    return [
        to_destination(place, key, event, message, now, about)
        for place in places
        if CHANNELS[place.channel if place else Alert.Channel.SLACK].wants(event)
    ]


def to_destination(
    destination: Destination | None,
    key: str,
    event: Alert.Event,
    message: Message,
    now: dt.datetime,
    about: AlertSubject = NOTHING,
) -> Alert:
    """An unsaved alert for one destination, none for the Slack of its own page; of each there is one for an event."""
    if destination is None:
        return compose(key, event, Alert.Channel.SLACK, message, now, about=about)
    whom = (f"{DESTINATION}{destination.uid}", destination.name)
    alert = compose(
        key, event, Alert.Channel(destination.channel), message, now, recipients=whom, about=about
    )
    alert.key = f"{key[:150]}:{destination.channel}:{destination.uid.hex}"
    return alert


def admins() -> list[str]:
    """The inboxes of all active administrators."""
    return [f"user:{uid}" for uid in User.objects.active_admins().values_list("uid", flat=True)]


def languages_of(addresses: list[str]) -> dict[str, str]:
    """The language in which an address is written to; an empty text means the installation's."""
    asked = {*addresses, *(address.lower() for address in addresses)}
    chosen = Preferences.objects.filter(user__email__in=asked, user__is_active=True).exclude(language="")
    known = {
        str(email).lower(): language for email, language in chosen.values_list("user__email", "language")
    }
    found = {address: known.get(address.lower(), "") for address in addresses}
    return {one: "" if language == settings.ALERT_LANGUAGE else language for one, language in found.items()}


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
