"""Sends messages about incidents: announcement, reminders, escalation, recovery. A unique key keeps each from being sent twice.

Each step is a conditional UPDATE of the incident, in one transaction with the messages: however many processes try, and
wherever one of them dies, people are told once.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from incidents import alert_texts, escalation_times
from incidents.models import EscalationStep, Incident, Mute, ReminderRules, TimelineEntry
from notifications.delivery.outbox import AlertSubject, fan_out, post
from notifications.incident_thread import IncidentThread, Phase
from notifications.messages import Message
from notifications.models import Alert

What = TimelineEntry.What
State = Incident.State
AT_ONCE = 500


@dataclass(frozen=True)
class Audience:
    """`people`: owners of inboxes, as alerts keep them. `account`: whose mails these are. `destinations`: those that the job
    names, and `team` its team, whose own come next."""

    people: Sequence[str] = ()
    emails: Sequence[str] = ()
    slack: bool = True
    account: uuid.UUID | None = None
    destinations: str = ""
    team: int | None = None

    def stored(self) -> dict[str, Any]:
        account = str(self.account) if self.account else None
        return {
            "people": list(self.people),
            "emails": list(self.emails),
            "slack": self.slack,
            "account": account,
            "destinations": self.destinations,
            "team": self.team,
        }

    @classmethod
    def of(cls, incident: Incident) -> Audience:
        known = incident.audience
        account = uuid.UUID(known["account"]) if known.get("account") else None
        people, emails = known.get("people", ()), known.get("emails", ())
        chosen = known.get("destinations", ""), known.get("team")
        return cls(people, emails, known.get("slack", False), account, *chosen)


def mark_announced(incident: Incident, audience: Audience, now: dt.datetime, *, quiet: bool = False) -> bool:
    """Marks the incident as announced; True if the caller must now announce it: once, and not while its job is muted."""
    if is_muted(incident.job_uid, now):
        return False
    told = {"announced_at": now, "audience": audience.stored(), "quiet": quiet}
    for name, value in told.items():
        setattr(incident, name, value)
    mine = Incident.objects.open().filter(pk=incident.pk, announced_at=None)
    return bool(mine.update(**told, next_step_at=_next_step(incident)))


def announce(
    incident: Incident, event: Alert.Event, message: Message, audience: Audience, now: dt.datetime
) -> bool:
    """Tells that it is open. False where people were told before, or the job is muted."""
    if not mark_announced(incident, audience, now):
        return False
    message = replace(message, thread=IncidentThread.of(incident.uid, Phase.OPENED))
    _tell(incident, "opened", event, message, audience, now)
    return True


def tell_recovered(incident: Incident, now: dt.datetime) -> None:
    """Tells those who heard that it was open, unless that was one of many in a summary."""
    if incident.announced_at is None or incident.quiet or is_muted(incident.job_uid, now):
        return
    message = alert_texts.recovered(incident, now)
    _tell(incident, "recovered", Alert.Event.RECOVERED, message, Audience.of(incident), now)


def forward_action(incident: Incident, phase: Phase, event: Alert.Event, now: dt.datetime) -> None:
    """Tells services that keep an incident of their own (PagerDuty) what people did to it, muted or not."""
    heard = replace(Audience.of(incident), people=(), emails=())
    if incident.announced_at is not None and not incident.quiet and heard.slack:
        message = alert_texts.deed(incident, phase, now)
        _tell(incident, f"{phase}:{now.isoformat()}", event, message, heard, now)


def is_muted(job_uid: uuid.UUID | None, now: dt.datetime) -> bool:
    """Whether the incidents of this job send no messages now; those of the system always do."""
    if job_uid is None:
        return False
    return Mute.objects.filter(Q(until=None) | Q(until__gt=now), job_uid=job_uid).exists()


def note(incident: Incident, what: TimelineEntry.What, now: dt.datetime, text: str = "") -> None:
    """What happened to it by itself."""
    TimelineEntry.objects.create(incident=incident, at=now, what=what, text=text)


# What happens by itself ----------------------------------------------------------------------------------------------


def take_steps(now: dt.datetime) -> int:
    """Reminders, escalations and ends of snoozes that are due; how many incidents it concerned."""
    due = Incident.objects.open().filter(next_step_at__lte=now).order_by("next_step_at", "id")
    rows = list(due.select_related("team")[:AT_ONCE])
    if not rows:
        return 0
    reminders, steps = ReminderRules.current(), list(EscalationStep.objects.select_related("user"))
    return sum(_take_step(row, reminders, escalation_times.steps_for(row, steps), now) for row in rows)


@transaction.atomic
def _take_step(
    incident: Incident, reminders: dict[str, int], steps: list[EscalationStep], now: dt.datetime
) -> bool:
    """All that is due of one incident, if it is still as it was read."""
    mine = Incident.objects.open().filter(
        pk=incident.pk, state=incident.state, next_step_at=incident.next_step_at
    )
    values: dict[str, Any] = {}
    woke = incident.state == State.SNOOZED and incident.snoozed_until and incident.snoozed_until <= now
    if woke:
        values = {"state": State.OPEN, "snoozed_until": None}
        incident.state, incident.snoozed_until = State.OPEN, None
    muted = is_muted(incident.job_uid, now)
    due = escalation_times.due_reminders(incident, reminders, now)
    escalations = escalation_times.due_escalations(incident, steps, now)
    incident.reminded = incident.reminded | due
    incident.escalated = [*incident.escalated, *(step.pk for step in escalations)]
    values |= {"reminded": incident.reminded, "escalated": incident.escalated}
    if not mine.update(**values, next_step_at=escalation_times.next_step(incident, reminders, steps)):
        return False
    if woke:
        note(incident, What.SNOOZE_ENDED, now)
    if not muted:
        for channel, number in due.items():
            _remind(incident, channel, number, now)
        for step in escalations:
            _escalate(incident, step, now)
    return True


def _remind(incident: Incident, channel: str, number: int, now: dt.datetime) -> None:
    audience = Audience.of(incident)
    only = replace(
        audience,
        people=audience.people if channel == Alert.Channel.INBOX else (),
        emails=audience.emails if channel == Alert.Channel.EMAIL else (),
        slack=audience.slack and channel not in (Alert.Channel.INBOX, Alert.Channel.EMAIL),
    )
    message = alert_texts.reminder(incident, now)
    if _tell(incident, f"reminded:{number}", Alert.Event.REMINDED, message, only, now, channel):
        note(incident, What.REMINDED, now, str(Alert.Channel(channel).label))


def _escalate(incident: Incident, step: EscalationStep, now: dt.datetime) -> None:
    users = [step.user] if step.user else list(User.objects.active_admins())
    by_mail, by_inbox = step.channel == step.Channel.EMAIL, step.channel == step.Channel.INBOX
    heard = Audience.of(incident)
    audience = Audience(
        people=[f"user:{user.uid}" for user in users] if by_inbox else (),
        emails=[user.email for user in users if user.email] if by_mail else (),
        slack=step.channel == step.Channel.SLACK,
        destinations=heard.destinations,
        team=heard.team,
    )
    message = alert_texts.escalation(incident, now)
    if _tell(incident, f"escalated:{step.pk}", Alert.Event.ESCALATED, message, audience, now):
        whom = ", ".join(user.get_username() for user in users) if by_mail or by_inbox else ""
        note(incident, What.ESCALATED, now, ": ".join(filter(None, (str(step.get_channel_display()), whom))))


def plan_again(incidents: Sequence[Incident]) -> None:
    """Recalculates when the next step of each incident is due."""
    for incident in incidents:
        unchanged = Incident.objects.open().filter(pk=incident.pk, state=incident.state)
        unchanged.update(next_step_at=_next_step(incident))


def _next_step(incident: Incident) -> dt.datetime | None:
    steps = escalation_times.steps_for(incident, EscalationStep.objects.all())
    return escalation_times.next_step(incident, ReminderRules.current(), steps)


def _tell(
    incident: Incident,
    phase: str,
    event: Alert.Event,
    message: Message,
    audience: Audience,
    now: dt.datetime,
    channel: str = "",
) -> int:
    """The number of messages; `channel`: only those that go this way."""
    whose = (audience.account, audience.destinations, audience.team)
    about = AlertSubject(incident.job_uid, incident.job_name, incident.last_run, *whose)
    rows = fan_out(
        f"incident:{incident.uid}:{phase}",
        event,
        message,
        now,
        people=audience.people,
        emails=audience.emails,
        slack=audience.slack,
        about=about,
    )
    rows = [row for row in rows if channel in ("", row.channel)]
    post(rows)
    return len(rows)
