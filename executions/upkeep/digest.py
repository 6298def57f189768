"""Once a day, to each person who asked for it: which incidents of theirs are open, and which jobs nobody owns."""

from __future__ import annotations

import datetime as dt
from functools import partial
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Q
from django.utils.translation import gettext_noop as _

from accounts.models import User
from executions.ledger.error_isolation import each
from incidents import alert_texts
from incidents.models import Incident, ReminderRules
from jobs.models import Job
from notifications.delivery.outbox import fan_out, post
from notifications.messages import Message
from notifications.models import Alert
from notifications.texts import Lines, Text, Words

HOUR = 8
# At most this many are named; the others are counted.
NAMED = 20


def send(now: dt.datetime) -> None:
    """From 08:00 of the scheduler's zone. Of processes that try at once one does; a message that is written twice is one."""
    local = now.astimezone(ZoneInfo(settings.SCHEDULER_TIMEZONE))
    if local.hour < HOUR:
        return
    rules, today = ReminderRules.objects.filter(pk=ReminderRules.ONLY), local.date()
    people = User.objects.filter(is_active=True, preferences__daily_digest=True).order_by("pk")
    if not people.exclude(Exists(rules.filter(digest_on=today))).exists():
        return
    ReminderRules.objects.get_or_create(pk=ReminderRules.ONLY)
    with transaction.atomic():
        if not rules.filter(~Q(digest_on=today) | Q(digest_on=None)).update(digest_on=today):
            return
        each(people.values_list("pk", flat=True), partial(_send_to, now, today), "digesting")


@transaction.atomic
def _send_to(now: dt.datetime, day: dt.date, key: int) -> None:
    user = User.objects.get(pk=key)
    visible = Incident.objects.open().visible_to(user)
    mine = visible if user.is_admin else visible.concerning(user)
    incidents = list(mine.order_by("opened_at", "pk"))
    nobodys = Job.objects.without_owner().order_by("name")
    ownerless = list(nobodys.values_list("name", flat=True)) if user.is_admin else []
    if not incidents and not ownerless:
        return
    by_mail = bool(user.email and settings.EMAIL_HOST and settings.MAIL_ENABLED)
    people, emails = ([], [str(user.email)]) if by_mail else ([f"user:{user.uid}"], [])
    message = _message(incidents, ownerless, now)
    post(
        fan_out(
            f"digest:{day}:{user.uid}",
            Alert.Event.DIGEST,
            message,
            now,
            people=people,
            emails=emails,
            slack=False,
        )
    )


def _message(incidents: list[Incident], ownerless: list[str], now: dt.datetime) -> Message:
    facts: list[tuple[Words, Words]] = []
    if incidents:
        facts.append((Text(_("Open incidents")), _listed([_line(one, now) for one in incidents])))
    if ownerless:
        facts.append((Text(_("Jobs without an active owner")), _listed(ownerless)))
    counts = {"incidents": str(len(incidents)), "jobs": str(len(ownerless))}
    subject = Text(_("Belfry today: open incidents: %(incidents)s"), **counts)
    if ownerless:
        text = _("Belfry today: open incidents: %(incidents)s, jobs without an active owner: %(jobs)s")
        subject = Text(text, **counts)
    path = "/incidents?show=open" if incidents else "/jobs?q=is:ownerless"
    return Message(subject, Text(_("Daily Digest")), facts, "", path, title=subject)


def _line(incident: Incident, now: dt.datetime) -> Text:
    values = {"what": alert_texts.kind(incident), "time": alert_texts.duration(incident.lasted(now))}
    text = _("%(job)s: %(what)s, for %(time)s, %(count)s×")
    return Text(text, job=incident.name, count=str(incident.count), **values)


def _listed(lines: list[Words] | list[Text] | list[str]) -> Lines:
    shown: list[Words] = list(lines[:NAMED])
    if more := len(lines) - len(shown):
        shown.append(Text(_("and %(count)s more"), count=str(more)))
    return Lines(*shown)
