"""When an open incident is due for a reminder, an escalation or the end of a snooze: pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from incidents.models import EscalationStep, Incident

State = Incident.State


def next_step(
    incident: Incident, reminders: Mapping[str, int], steps: Iterable[EscalationStep]
) -> dt.datetime | None:
    """The next reminder, escalation, or end of a snooze; None if it is acknowledged or was never announced."""
    if incident.state == State.SNOOZED:
        return incident.snoozed_until
    if incident.state != State.OPEN or incident.announced_at is None:
        return None
    moments = [_nth(incident, channel, minutes) for channel, minutes in reminders.items()]
    moments += [_escalates_at(incident, step) for step in steps if step.pk not in incident.escalated]
    return min(moments, default=None)


def due_reminders(incident: Incident, reminders: Mapping[str, int], now: dt.datetime) -> dict[str, int]:
    """The channels in which a reminder is due, with its number. Several missed ones become one."""
    if incident.state != State.OPEN or incident.announced_at is None:
        return {}
    age = now - incident.announced_at
    numbers = {channel: int(age / dt.timedelta(minutes=minutes)) for channel, minutes in reminders.items()}
    return {
        channel: number for channel, number in numbers.items() if number > incident.reminded.get(channel, 0)
    }


def due_escalations(
    incident: Incident, steps: Iterable[EscalationStep], now: dt.datetime
) -> list[EscalationStep]:
    if incident.state != State.OPEN or incident.announced_at is None:
        return []
    return [
        step for step in steps if step.pk not in incident.escalated and _escalates_at(incident, step) <= now
    ]


def steps_for(incident: Incident, steps: Iterable[EscalationStep]) -> list[EscalationStep]:
    """The escalation steps of the incident's team, else the general ones."""
    steps = list(steps)
    own = [step for step in steps if step.team_id is not None and step.team_id == incident.team_id]
    return own or [step for step in steps if step.team_id is None]


def _nth(incident: Incident, channel: str, minutes: int) -> dt.datetime:
    assert incident.announced_at is not None  # noqa: S101 - asked before
    number: int = incident.reminded.get(channel, 0) + 1
    return incident.announced_at + dt.timedelta(minutes=minutes * number)


def _escalates_at(incident: Incident, step: EscalationStep) -> dt.datetime:
    assert incident.announced_at is not None  # noqa: S101 - asked before
    return incident.announced_at + dt.timedelta(minutes=step.after)
