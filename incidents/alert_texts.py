"""The texts of messages about incidents that are not about one run: reminders, escalations, recoveries.

The opening is worded where it is known what happened (executions/alerting/alert_texts.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext_noop as _

from incidents.models import Incident
from notifications.incident_thread import IncidentThread, Phase
from notifications.messages import Message
from notifications.texts import Lines, Text, Words, fact

Kind = Incident.Kind
# What a problem of each kind is called in the middle of a sentence.
KINDS: dict[str, str] = {
    Kind.FAILING: _("failing"),
    Kind.COULD_NOT_START: _("could not start"),
    Kind.LOST: _("worker lost"),
    Kind.MISSED: _("missed"),
    Kind.LATE: _("late"),
    Kind.OVERRUN: _("exceeded expected duration"),
    Kind.BLOCKED: _("due times skipped"),
    Kind.SLOW: _("took longer than usual"),
    Kind.QUICK: _("took less time than usual"),
    Kind.MEMORY: _("used more memory than usual"),
    Kind.SYSTEM: _("not responding"),
}
NOTHING_TO_DO = Text(_("No action is required. This is an informational notification."))
ACKNOWLEDGE = Text(_("Acknowledge the incident to stop reminders and escalation."))
ONCE_CALM = Text(
    _("It comes and goes. From now on this is one incident, until it has stayed away for a while.")
)


def recovered(incident: Incident, now: dt.datetime) -> Message:
    name = incident.name
    was = Text(_("%(what)s, since %(time)s"), what=kind(incident), time=when(incident.opened_at))
    subject = Text(_("✅ Job Recovered: %(job)s"), job=name)
    return _about(
        incident,
        Phase.RECOVERED,
        subject,
        Text(_("Job Recovered")),
        [
            (Text(_("Was")), was),
            (Text(_("Lasted")), duration(incident.lasted(now))),
            (Text(_("Occurrences")), str(incident.count)),
        ],
        NOTHING_TO_DO,
    )


def reminder(incident: Incident, now: dt.datetime) -> Message:
    subject = Text(_("🔴 Still open: %(job)s, %(what)s"), job=incident.name, what=kind(incident))
    facts = _state(incident, now)
    return _about(incident, Phase.REMINDED, subject, Text(_("Incident Still Open")), facts, ACKNOWLEDGE)


def escalation(incident: Incident, now: dt.datetime) -> Message:
    subject = Text(_("🔴 Escalated: %(job)s, %(what)s"), job=incident.name, what=kind(incident))
    unseen = Text(_("Nobody has acknowledged this incident."))
    facts = _state(incident, now)
    return _about(incident, Phase.ESCALATED, subject, Text(_("Incident Escalated")), facts, unseen)


def deed(incident: Incident, phase: Phase, now: dt.datetime) -> Message:
    """That somebody has acknowledged or closed it."""
    titles = {Phase.ACKNOWLEDGED: _("Incident Acknowledged"), Phase.CLOSED: _("Incident Closed")}
    title = Text(titles[phase])
    subject = Text(_("%(title)s: %(job)s, %(what)s"), title=title, job=incident.name, what=kind(incident))
    return _about(incident, phase, subject, title, _state(incident, now), NOTHING_TO_DO)


def opening(incident: Incident, message: Message) -> Message:
    """`message` says what happened. Of one that comes and goes this is said with it, once: its end comes when it stays away."""
    if not incident.flapping:
        return message
    facts: Facts = [*message.facts, (Text(_("Flapping")), ONCE_CALM)]
    subject = Text(_("🟠 Job Flapping: %(job)s"), job=incident.name)
    title = Text(_("Job Flapping"))
    note = Lines(message.note or message.subject, fact(*facts[-1]))
    return replace(message, subject=subject, heading=title, facts=facts, title=title, note=note)


def kind(incident: Incident) -> Text:
    return Text(KINDS.get(incident.kind, incident.kind))


def when(moment: dt.datetime) -> str:
    """Local to the scheduler's zone, which is named."""
    return f"{moment.astimezone(ZoneInfo(settings.SCHEDULER_TIMEZONE)):%Y-%m-%d %H:%M:%S} {settings.SCHEDULER_TIMEZONE}"


def duration(length: dt.timedelta) -> Text:
    """In the two largest units: `3 h 5 min`."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return Text(_("%(days)s d %(hours)s h"), days=str(days), hours=str(hours))
    if hours:
        return Text(_("%(hours)s h %(minutes)s min"), hours=str(hours), minutes=str(minutes))
    if minutes:
        return Text(_("%(minutes)s min %(seconds)s s"), minutes=str(minutes), seconds=str(seconds))
    return Text(_("%(seconds)s s"), seconds=str(seconds))


Facts = list[tuple[Words, Words]]


def _state(incident: Incident, now: dt.datetime) -> Facts:
    facts: Facts = [
        (Text(_("Incident")), kind(incident)),
        (Text(_("Since")), when(incident.opened_at)),
        (Text(_("Open for")), duration(incident.lasted(now))),
        (Text(_("Occurrences")), str(incident.count)),
    ]
    if incident.error:
        facts.append((Text(_("Error")), incident.error))
    return facts


def _about(
    incident: Incident, phase: Phase, subject: Words, title: Words, facts: Facts, closing: Words
) -> Message:
    first: Facts = (
        [(Text(_("Job Name")), incident.job_name), (Text(_("Job ID")), str(incident.job_uid))]
        if incident.job_uid
        else [(Text(_("What")), Text(incident.subject))]
    )
    about: Words = (
        Text(_("Job '%(job)s'"), job=incident.job_name) if incident.job_uid else Text(incident.subject)
    )
    return Message(
        subject,
        title,
        [*first, *facts],
        closing,
        f"/incidents/{incident.uid}",
        incident.team.slack_handle if incident.team else "",
        title,
        Lines(about, *(fact(*one) for one in facts)),
        thread=IncidentThread.of(incident.uid, phase),
    )
