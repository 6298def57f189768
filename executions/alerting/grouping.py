"""Several changes of state at once: a few are told one by one, of more each recipient gets one summary."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace

from django.utils.translation import gettext_noop as _

from executions.alerting import alert_texts
from executions.alerting.recipients import about_job, people_of
from incidents import notify
from incidents.models import Incident
from incidents.notify import Audience
from jobs.models import Job
from notifications.delivery import destinations
from notifications.delivery.outbox import admins, fan_out, post, to_destination
from notifications.incident_thread import IncidentThread, Phase
from notifications.messages import Message
from notifications.models import Alert, Destination
from notifications.texts import Text, Words

Event = Alert.Event
# Up to this many changes of one kind at once get their own message; more become one message.
FEW = 3


@dataclass(frozen=True)
class Item:
    """A change of state of a job: its message when told alone, its line in a summary. `key` names the event."""

    job: Job
    event: Alert.Event
    key: str
    message: Message
    line: Words
    execution_uid: uuid.UUID | None = None
    # Manual runs, and jobs without e-mail, are reported in the inbox only.
    inbox_only: bool = False
    # The incident that this opens or ends.
    incident: Incident | None = None

    @property
    def emails(self) -> list[str]:
        wanted = self.job.enable_email_notifications and not self.inbox_only
        return self.job.notification_emails if wanted else []


def announce_opened(items: list[Item], headline: Words, path: str, now: dt.datetime) -> bool:
    """As `tell`, but only of incidents that nobody was told of before, and whose jobs are not muted."""
    in_one, administrators = len(items) > FEW, admins()
    fresh = [
        item
        for item in items
        if item.incident is None
        or notify.mark_announced(item.incident, _audience_of(item, administrators), now, quiet=in_one)
    ]
    return tell(fresh, headline, path, now, in_one=in_one)


def _audience_of(item: Item, administrators: list[str]) -> Audience:
    owner = item.job.owner.uid if item.job.owner else None
    job = item.job
    people = people_of(job, administrators)
    return Audience(people, item.emails, not item.inbox_only, owner, job.destinations, job.team_id)


def tell(
    items: list[Item], headline: Words, path: str, now: dt.datetime, *, in_one: bool | None = None
) -> bool:
    """Each of a few by itself; of more each recipient gets one message. True when it was one message for all.

    The items' jobs come with `team` and `owner`.
    """
    if not items:
        return False
    administrators = admins()
    if not (len(items) > FEW if in_one is None else in_one):
        for item in items:
            _tell_one(item, administrators, now)
        return False
    event = Event.RECOVERED if items[0].event == Event.RECOVERED else Event.SUMMARY
    key = f"summary:{items[0].key}"
    rows = []
    for place, theirs in _by_destination(items).items():
        rows.append(to_destination(place, key, event, _in_one(theirs, headline, path), now))
    for recipient, theirs in _by_recipient(items, administrators).items():
        some = Text(
            _("%(count)s of your jobs: %(title)s"), count=str(len(theirs)), title=theirs[0].message.title
        )
        message = _in_one(theirs, headline if len(theirs) == len(items) else some, path)
        one = f"{key}:{uuid.uuid5(uuid.NAMESPACE_URL, recipient).hex}"
        by_inbox = recipient.startswith("user:")
        people, emails = ([recipient], []) if by_inbox else ([], [recipient])
        rows += fan_out(one, event, message, now, people=people, emails=emails, slack=False)
    post(rows)
    return True


def _tell_one(item: Item, administrators: list[str], now: dt.datetime) -> None:
    phase = Phase.RECOVERED if item.event == Event.RECOVERED else Phase.OPENED
    thread = IncidentThread.of(item.incident.uid, phase) if item.incident else item.message.thread
    about = about_job(item.job, item.execution_uid)
    post(
        fan_out(
            item.key,
            item.event,
            replace(item.message, thread=thread),
            now,
            people=people_of(item.job, administrators),
            emails=item.emails,
            slack=not item.inbox_only,
            about=about,
        )
    )


def _in_one(items: list[Item], headline: Words, path: str) -> Message:
    """What is said of them all; of one it is its own message."""
    if len(items) == 1:
        return items[0].message
    mark = "✅" if items[0].event == Event.RECOVERED else "🔴"
    return alert_texts.summary(mark, headline, [item.line for item in items], path)


def _by_destination(items: list[Item]) -> dict[Destination | None, list[Item]]:
    """The jobs that each service is told of, by what they or their teams chose."""
    chosen: dict[tuple[str, int | None], list[Item]] = {}
    for item in items:
        if not item.inbox_only:
            chosen.setdefault((item.job.destinations, item.job.team_id), []).append(item)
    found: dict[Destination | None, list[Item]] = {}
    for choice, some in chosen.items():
        for place in destinations.chosen(*choice):
            found.setdefault(place, []).extend(some)
    return found


def _by_recipient(items: list[Item], administrators: list[str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        for recipient in dict.fromkeys([*people_of(item.job, administrators), *item.emails]):
            found.setdefault(recipient, []).append(item)
    return found
