"""Delivers alerts: claims one by a conditional UPDATE, makes the call, writes what came of it.

An alert is delivered once. The exception is a process that dies, or is cut off from the database, between the call and
the row, or a server that says nothing after it was given the message: then nobody can know whether it arrived, and it is
sent again (at least once). E-mails carry the same Message-ID then.

A mail that the server takes for some of its recipients only becomes several alerts, so that each says who has it and who
has not, and is sent again to those alone.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from django.db import transaction
from django.db.models import F

from audit.models import Entry
from audit.record import Actor, difference, record
from notifications.channels import CHANNELS
from notifications.channels.base import PartialDelivery, PermanentFailure, SwitchedOff, TemporaryFailure
from notifications.delivery import mail_limits
from notifications.delivery.outbox import GIVE_UP
from notifications.models import Alert
from scheduler_site.lib import clock

log = logging.getLogger("notifications.delivery.deliver")

State = Alert.State
# Longer than any call may take: afterwards its process is taken for dead.
LEASE = dt.timedelta(minutes=2)
FIRST_WAIT = 15.0
LONGEST_WAIT = 3600.0
AT_ONCE = 50


def deliver_due(now: dt.datetime | None = None) -> int:
    """Tries what may be tried now, the oldest first; how many were tried."""
    moment = now or clock.now()
    uids = Alert.objects.due(moment).order_by("next_attempt_at").values_list("uid", flat=True)[:AT_ONCE]
    return deliver([str(uid) for uid in uids], now)


def deliver(uids: Sequence[str], now: dt.datetime | None = None) -> int:
    """Tries the due alerts that no other process has claimed; returns their number."""
    tried = 0
    for alert in Alert.objects.filter(uid__in=uids).order_by("id"):
        if _claim(alert, now or clock.now()):
            _try(alert, now)
            tried += 1
    return tried


@transaction.atomic
def send_again(alert: Alert, *, by: Actor) -> bool:
    """Gives an alert that was given up another day. False when it is not (or no longer) of that kind."""
    now = clock.now()
    given_up = Alert.objects.filter(pk=alert.pk, state__in=(State.UNDELIVERABLE, State.SILENCED))
    values = {"state": State.PENDING, "attempts": 0, "last_error": ""}
    before = {"state": alert.state}
    if not given_up.update(**values, next_attempt_at=now, give_up_at=now + GIVE_UP):
        return False
    record(Entry.Event.MODIFIED, alert, by=by, changes=difference(before, {"state": State.PENDING}))
    return True


def wait(attempts: int, asked: float = 0.0) -> dt.timedelta:
    """How long after attempt number `attempts` (from 1) failed: doubles up to an hour; longer where `asked` to."""
    seconds: float = min(FIRST_WAIT * 2.0 ** min(attempts - 1, 20), LONGEST_WAIT)
    return dt.timedelta(seconds=max(seconds, asked))


def _claim(alert: Alert, now: dt.datetime) -> bool:
    """`attempts` fences it: of two that saw the same row, one changes it."""
    mine = Alert.objects.due(now).filter(pk=alert.pk, attempts=alert.attempts)
    changed = mine.update(state=State.SENDING, attempts=F("attempts") + 1, next_attempt_at=now + LEASE)
    alert.attempts += changed
    return bool(changed)


def _try(alert: Alert, now: dt.datetime | None) -> None:
    try:
        if alert.channel == Alert.Channel.INBOX:
            _place(alert, now or clock.now())
            return
        if alert.channel == Alert.Channel.EMAIL and mail_limits.held(alert, now or clock.now()):
            return
        CHANNELS[alert.channel].send(alert, now or clock.now())
    except TemporaryFailure as error:
        _put_off(alert, str(error), error.wait, now or clock.now())
    except PermanentFailure as error:
        _write(alert, State.UNDELIVERABLE, str(error))
    except PartialDelivery as error:
        _divide(alert, error, now or clock.now())
    except SwitchedOff as error:
        _write(alert, State.SILENCED, str(error))
    except Exception as error:
        # Ours, or a library's: it must neither be lost nor keep the next ones from being sent.
        log.exception("delivery_failed", extra={"alert": alert.key})
        _put_off(alert, type(error).__name__, 0.0, now or clock.now())
    else:
        _write(alert, State.DELIVERED, "", delivered_at=now or clock.now())


@transaction.atomic
def _place(alert: Alert, now: dt.datetime) -> None:
    """An inbox lies in the same database: item and state are written together, hence exactly once."""
    if _write(alert, State.DELIVERED, "", delivered_at=now):
        CHANNELS[alert.channel].send(alert, now)


def _put_off(alert: Alert, reason: str, asked: float, now: dt.datetime) -> None:
    state, moment = _another_day(alert, now, asked)
    _write(alert, state, reason, next_attempt_at=moment)


def _another_day(
    alert: Alert, now: dt.datetime, asked: float = 0.0
) -> tuple[Alert.State, dt.datetime | None]:
    """What becomes of a failed attempt: the wait for the next, or the end."""
    if now >= alert.give_up_at:
        return State.UNDELIVERABLE, None
    return State.PENDING, now + wait(alert.attempts, asked)


@transaction.atomic
def _divide(alert: Alert, parts: PartialDelivery, now: dt.datetime) -> None:
    """The alert stays with those who have it, or with those who may yet get it; the others get one of their own."""
    reason, (state, moment) = str(parts), _another_day(alert, now)
    if parts.accepted:
        mine = _write(alert, State.DELIVERED, "", delivered_at=now, recipients=parts.accepted)
    else:
        mine = _write(alert, state, reason, next_attempt_at=moment, recipients=list(parts.later))
    if not mine:
        return
    if parts.accepted and parts.later:
        _part(alert, parts.later, state, reason, moment)
    if parts.never:
        _part(alert, parts.never, State.UNDELIVERABLE, reason, None)


def _part(
    alert: Alert, recipients: Iterable[str], state: Alert.State, reason: str, moment: dt.datetime | None
) -> None:
    part = copy(alert)
    part.pk, part.uid = None, uuid.uuid4()
    part.key, part.recipients = f"part:{part.uid}", list(recipients)
    part.state, part.last_error, part.next_attempt_at = state, reason, moment
    part.save(force_insert=True)
    _warn(part, state, reason)


def _write(alert: Alert, state: Alert.State, reason: str, **values: Any) -> bool:
    """What came of an attempt; nothing when the alert was taken for abandoned meanwhile."""
    _warn(alert, state, reason)
    mine = Alert.objects.filter(pk=alert.pk, state=State.SENDING, attempts=alert.attempts)
    values = {"next_attempt_at": None} | values | {"state": state, "last_error": reason[:2000]}
    return bool(mine.update(**values))


def _warn(alert: Alert, state: Alert.State, reason: str) -> None:
    if state == State.UNDELIVERABLE:
        log.warning("alert_undeliverable", extra={"alert": alert.key, "reason": reason})
