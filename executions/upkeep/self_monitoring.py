"""Belfry monitors itself: the process that takes the turn alerts the administrators about processes that do not respond."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.conf import settings
from django.db import transaction

from accounts.models import User
from executions.alerting import incident_triggers, system_texts
from executions.ledger.error_isolation import each
from executions.models import AlertCondition
from executions.monitoring import health
from incidents import lifecycle, notify
from incidents.models import Incident
from incidents.notify import Audience
from notifications.delivery.outbox import admins, fan_out, post
from notifications.incident_thread import IncidentThread, Phase
from notifications.messages import Message
from notifications.models import Alert

Event = Alert.Event
SILENT = AlertCondition.Kind.SILENT
WAITS = ("oldest due", "oldest queued")
WATCHED = (*health.NAMES.values(), "broker", health.CLOCKS, health.ZONES, *WAITS)
# Must be seen in two turns: a short silence needs no alert.
PATIENCE = dt.timedelta(seconds=10)
# A burst makes runs wait for a while, which needs no alert either.
LONG_WAIT = dt.timedelta(minutes=5)
# A pause of the whole system that is longer than any restart.
OUTAGE = dt.timedelta(seconds=60)


def judge(now: dt.datetime) -> None:
    """Tells the admins when a process or the broker is away for longer than a restart takes, and when it is back."""
    report = health.report(now)
    watched = {condition.subject: condition for condition in AlertCondition.objects.filter(kind=SILENT)}

    def judge_one(check: health.Check) -> None:
        if check.ordered:
            return
        if check.name in WATCHED and not check.ok:
            _is_away(check, now)
        elif check.ok and (condition := watched.get(check.name)):
            _came_back(condition, now)

    each(report.checks, judge_one, "judging")


def _is_away(check: health.Check, now: dt.datetime) -> None:
    name = check.name
    condition, _made = AlertCondition.objects.get_or_create(
        subject=name, kind=SILENT, defaults={"since": now}
    )
    patience = LONG_WAIT if name in WAITS else PATIENCE
    if condition.told_at is None and condition.since <= now - patience:
        with transaction.atomic():
            if AlertCondition.objects.filter(pk=condition.pk, told_at=None).update(told_at=now):
                incident = incident_triggers.opened_by(condition, now)
                message = _in(incident, Phase.OPENED, _bad(check, condition.since))
                notify.mark_announced(incident, Audience(admins(), _emails()), now)
                _tell_admins(
                    f"silent:{name}:{condition.since.isoformat()}", Event.SYSTEM_SILENT, message, now
                )


def _came_back(condition: AlertCondition, now: dt.datetime) -> None:
    name = condition.subject
    with transaction.atomic():
        gone, _rows = AlertCondition.objects.filter(pk=condition.pk).delete()
        if gone and condition.told_at is not None:
            incident = incident_triggers.incident_of(condition)
            if incident is not None and incident.is_open:
                lifecycle.recover(incident, now, tell=False)
            message = _in(incident, Phase.RECOVERED, _well(name, condition.since))
            _tell_admins(f"back:{name}:{condition.since.isoformat()}", Event.SYSTEM_RECOVERED, message, now)


def _in(incident: Incident | None, phase: Phase, message: Message) -> Message:
    return replace(message, thread=IncidentThread.of(incident.uid, phase)) if incident else message


def _bad(check: health.Check, since: dt.datetime) -> Message:
    if check.name == health.CLOCKS:
        return system_texts.clocks_differ(check.where, since)
    if check.name == health.ZONES:
        return system_texts.zones_differ(check.where, since)
    if check.name in WAITS:
        return system_texts.waits(check.name, since)
    return system_texts.silent(check.name, check.detail, since)


def _well(name: str, since: dt.datetime) -> Message:
    if name == health.CLOCKS:
        return system_texts.clocks_agree(since)
    if name == health.ZONES:
        return system_texts.zones_agree(since)
    return system_texts.waits_no_more(since) if name in WAITS else system_texts.recovered(name, since)


def outage(since: dt.datetime, now: dt.datetime) -> None:
    """Tells the admins that no process at all took its turn from `since` until now: afterwards, as nobody was there."""
    if now - since > OUTAGE:
        message = system_texts.outage(since, now)
        with transaction.atomic():
            _tell_admins(f"outage:{since.isoformat()}", Event.SYSTEM_RECOVERED, message, now)


def _tell_admins(key: str, event: Alert.Event, message: Message, now: dt.datetime) -> None:
    post(fan_out(key, event, message, now, people=admins(), emails=_emails()))


def _emails() -> list[str]:
    """Nobody asked for these by mail: without a server, or with mail switched off, there are none."""
    if not (settings.EMAIL_HOST and settings.MAIL_ENABLED):
        return []
    addresses = User.objects.active_admins().values_list("email", flat=True)
    return settings.ALERT_EMAILS or [email for email in addresses if email]
