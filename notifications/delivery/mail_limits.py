"""Limits how many mails one job and one account may send in an hour, counted by recipients (settings; 0: no limit).

1. A mail beyond that is held back until there is room again; its row says so. Mails that are being sent count as well:
   what they leave no room for waits for a moment.
2. What was held back meanwhile for the same recipients about the same job then becomes one mail, which names each.

Nothing is lost, and one failing job with many recipients is no relay. Messages of the system itself are not counted.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from notifications.delivery.background import later
from notifications.delivery.outbox import GIVE_UP, announce
from notifications.messages import subject_line
from notifications.models import Alert, AlertQuerySet

HOUR = dt.timedelta(hours=1)
HELD = "held back: "
# Until a mail that others might leave no room for is looked at again; they have been sent by then, or have failed.
MOMENT = dt.timedelta(seconds=3)
# At most this many are named in one summary; the others are counted.
MOST_LINES = 100

State = Alert.State


def held(alert: Alert, now: dt.datetime) -> bool:
    """Whether the caller must not send this mail, which it has claimed: it was put off, or became part of a summary."""
    if alert.job_uid is None or alert.event == Alert.Event.SUMMARY:
        return False
    if found := _beyond(alert, now):
        reason, free_at = found
        # Where this changes nothing, somebody took the alert for abandoned: it is for him to send.
        _mine(alert).update(
            state=State.PENDING,
            # It was not tried.
            attempts=alert.attempts - 1,
            last_error=reason,
            next_attempt_at=free_at,
            give_up_at=free_at + GIVE_UP,
        )
        return True
    return alert.last_error.startswith(HELD) and _summarised(alert, now)


def _mine(alert: Alert) -> AlertQuerySet:
    return Alert.objects.filter(pk=alert.pk, state=State.SENDING, attempts=alert.attempts)


def _beyond(alert: Alert, now: dt.datetime) -> tuple[str, dt.datetime] | None:
    """Why there is no room, and when there is again. A single mail to many is sent where nothing was sent before it."""
    for column, limit, name in _limits():
        value = getattr(alert, column)
        if not value or not limit:
            continue
        mails = Alert.objects.filter(**{column: value}, channel=Alert.Channel.EMAIL)
        sent = mails.filter(state=State.DELIVERED, delivered_at__gt=now - HOUR).order_by("delivered_at")
        times = list(sent.values_list("delivered_at", "recipients"))
        room = limit - sum(len(recipients) for _at, recipients in times)
        if times and len(alert.recipients) > room:
            return f"{HELD}more than {limit} mails in an hour ({name})", (times[0][0] or now) + HOUR
        beside = mails.filter(state=State.SENDING).exclude(pk=alert.pk).values_list("recipients", flat=True)
        if (others := sum(map(len, beside))) and len(alert.recipients) + others > room:
            return f"waits for {others} mails that are being sent ({name})", now + MOMENT
    return None


def _limits() -> Iterator[tuple[str, int, str]]:
    yield "job_uid", settings.MAILS_PER_HOUR_PER_JOB, "MAILS_PER_HOUR_PER_JOB"
    yield "account_uid", settings.MAILS_PER_HOUR_PER_ACCOUNT, "MAILS_PER_HOUR_PER_ACCOUNT"


@transaction.atomic
def _summarised(alert: Alert, now: dt.datetime) -> bool:
    """One mail in the place of this one and all that were held back with it; False where it is alone."""
    waiting = Alert.objects.filter(
        job_uid=alert.job_uid,
        channel=Alert.Channel.EMAIL,
        state=State.PENDING,
        last_error__startswith=HELD,
    )
    with_it = [one for one in waiting.order_by("id") if one.recipients == alert.recipients]
    if not with_it:
        return False
    summary = _summary([alert, *with_it], now)
    part_of_it = {
        "state": State.SUMMARISED,
        "last_error": f"part of the summary {summary.uid}",
        "next_attempt_at": None,
    }
    if not _mine(alert).update(**part_of_it):
        return True  # as above
    summary.save(force_insert=True)
    Alert.objects.filter(pk__in=[one.pk for one in with_it], state=State.PENDING).update(**part_of_it)
    transaction.on_commit(partial(later, partial(announce, [str(summary.uid)])))
    return True


def _summary(alerts: list[Alert], now: dt.datetime) -> Alert:
    first = alerts[0]
    with override(settings.ALERT_LANGUAGE):
        subject = _("%(count)d messages about the job “%(job)s”") % {
            "count": len(alerts),
            "job": first.job_name,
        }
        lines = [f"{one.created_at:%Y-%m-%d %H:%M:%S} UTC  {one.subject}" for one in alerts[:MOST_LINES]]
        if len(alerts) > MOST_LINES:
            lines.append(_("and %(count)d more") % {"count": len(alerts) - MOST_LINES})
        lines = [_("This mail summarises messages that exceeded the hourly limit:"), "", *lines]
    uid = uuid.uuid4()
    return Alert(
        uid=uid,
        key=f"held:{uid}",
        event=Alert.Event.SUMMARY,
        channel=Alert.Channel.EMAIL,
        recipients=first.recipients,
        subject=subject_line(subject),
        text="\n".join(lines),
        link=first.link,
        job_uid=first.job_uid,
        job_name=first.job_name,
        account_uid=first.account_uid,
        next_attempt_at=now,
        give_up_at=now + GIVE_UP,
        created_at=now,
    )
