"""What people do to incidents. Each verb is written here once; pages and the API call it.

Each is a conditional UPDATE, with an entry in the timeline and one in the audit trail. Of two people who do the same at the
same moment one does it; the other is told that it is done.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from audit.models import Entry
from audit.record import Actor, difference, record
from incidents import notify
from incidents.models import CLOSED, Incident, Mute, TimelineEntry
from incidents.notify import plan_again
from notifications import inbox
from notifications.incident_thread import Phase
from notifications.models import Alert, Notification
from notifications.texts import Text
from scheduler_site.lib import clock
from scheduler_site.lib.text import storable

State = Incident.State
What = TimelineEntry.What
LONGEST_COMMENT = 2000
LONGEST_SNOOZE = dt.timedelta(days=366)


class Refused(Exception):
    """A verb that cannot be carried out; the text says why."""


class Closed(Refused):
    """Nothing is done to a closed incident but comments."""

    def __init__(self) -> None:
        super().__init__(_("The incident is closed."))


class Invalid(Refused):
    """What was given makes no sense; `field` says which."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@transaction.atomic
def acknowledge(incident: Incident, *, by: Actor) -> bool:
    """Stops reminders and escalations. False if it was acknowledged already. Raises Closed."""
    now = clock.now()
    values = {
        "state": State.ACKNOWLEDGED,
        "acknowledged_by": by.user,
        "acknowledged_at": now,
        "snoozed_until": None,
        "next_step_at": None,
    }
    open_yet = Incident.objects.open().filter(pk=incident.pk).exclude(state=State.ACKNOWLEDGED)
    if not open_yet.update(**values):
        _refuse_closed(incident)
        return False
    _write(incident, What.ACKNOWLEDGED, by, now, {"state": (incident.state, State.ACKNOWLEDGED)})
    notify.forward_action(incident, Phase.ACKNOWLEDGED, Alert.Event.ACKNOWLEDGED, now)
    return True


@transaction.atomic
def assign(incident: Incident, user: User | None, *, by: Actor) -> bool:
    """Assigns it to a person, who is told, or to nobody. False if it was assigned so already. Raises Closed and Invalid."""
    if user is not None and not _may_have(incident, user):
        raise Invalid("assignee", _("This person may not see the incident, or has no active account."))
    old = incident.assignee
    others = Incident.objects.open().filter(pk=incident.pk, assignee=old)
    if old == user:
        _refuse_closed(incident)
        return False
    if not others.update(assignee=user):
        _refuse_closed(incident)
        raise Refused(_("Somebody else has assigned it at this moment."))
    names = (old.get_username() if old else "", user.get_username() if user else "")
    now = clock.now()
    _write(incident, What.ASSIGNED, by, now, {"assignee": names}, names[1])
    if user is not None and user != by.user:
        _tell_assignee(incident, user, by, now)
    return True


@transaction.atomic
def snooze(incident: Incident, until: dt.datetime, *, by: Actor) -> None:
    """No reminders and escalations until then; afterwards it is open again. Raises Closed and Invalid."""
    now = clock.now()
    if until <= now:
        raise Invalid("until", _("This time has passed already."))
    if until > now + LONGEST_SNOOZE:
        raise Invalid("until", _("This is more than a year from now."))
    values = {"state": State.SNOOZED, "snoozed_until": until, "next_step_at": until}
    if not Incident.objects.open().filter(pk=incident.pk).update(**values):
        raise Closed
    changes = {
        "state": (incident.state, State.SNOOZED),
        "snoozed_until": (incident.snoozed_until, until),
    }
    _write(incident, What.SNOOZED, by, now, changes, until.isoformat(timespec="minutes"))


@transaction.atomic
def comment(incident: Incident, text: str, *, by: Actor) -> TimelineEntry:
    """Raises Invalid."""
    text = storable(text).strip()
    if not text or len(text) > LONGEST_COMMENT:
        raise Invalid("text", _("Write 1 to %(count)d characters.") % {"count": LONGEST_COMMENT})
    return _write(incident, What.COMMENT, by, clock.now(), {"comment": ("", text)}, text)


@transaction.atomic
def close(incident: Incident, *, by: Actor) -> bool:
    """Ends it without waiting for a recovery, of which nobody is told then. What happens next opens another one. False when
    it is closed already."""
    now = clock.now()
    values = CLOSED | {"closed_at": now, "ending": Incident.Ending.BY_HAND}
    if not Incident.objects.open().filter(pk=incident.pk).update(**values):
        return False
    _write(incident, What.CLOSED, by, now, {"state": (incident.state, State.CLOSED)})
    notify.forward_action(incident, Phase.CLOSED, Alert.Event.CLOSED, now)
    return True


@transaction.atomic
def mute(incident: Incident, until: dt.datetime | None, *, by: Actor) -> None:
    """The incidents of its job open and close without a message, until then or until `unmute`. Raises Invalid."""
    now = clock.now()
    if incident.job_uid is None:
        raise Invalid("job", _("This incident is about no job."))
    if until is not None and until <= now:
        raise Invalid("until", _("This time has passed already."))
    values = {"until": until, "job_name": incident.job_name, "updated_by": by.user}
    Mute.objects.update_or_create(
        job_uid=incident.job_uid, defaults=values, create_defaults=values | {"created_by": by.user}
    )
    said = until.isoformat(timespec="minutes") if until else ""
    _write(incident, What.MUTED, by, now, {"muted": ("", said or "yes")}, said)


@transaction.atomic
def unmute(incident: Incident, *, by: Actor) -> bool:
    """False where it is not muted."""
    gone = Mute.objects.filter(job_uid=incident.job_uid).delete()[0] if incident.job_uid else 0
    if not gone:
        return False
    _write(incident, What.UNMUTED, by, clock.now(), {"muted": ("yes", "")})
    incident.refresh_from_db()
    plan_again([incident])
    return True


def _may_have(incident: Incident, user: User) -> bool:
    return user.is_active and Incident.objects.visible_to(user).filter(pk=incident.pk).exists()


def _refuse_closed(incident: Incident) -> None:
    if not Incident.objects.open().filter(pk=incident.pk).exists():
        raise Closed


def _tell_assignee(incident: Incident, user: User, by: Actor, now: dt.datetime) -> None:
    title = Text(gettext_noop("Incident assigned to you"))
    text = gettext_noop("%(who)s has assigned you an incident of '%(job)s': %(error)s")
    message = Text(text, who=by.name, job=incident.name, error=incident.error or incident.kind)
    inbox.tell(
        User.objects.filter(pk=user.pk),
        title,
        message,
        Notification.Type.WARNING,
        job_uid=incident.job_uid,
        execution_uid=incident.last_run,
        now=now,
    )


def _write(
    incident: Incident,
    what: TimelineEntry.What,
    by: Actor,
    now: dt.datetime,
    changes: dict[str, tuple[Any, Any]],
    text: str = "",
) -> TimelineEntry:
    """Its line in the timeline, and the entry in the audit trail."""
    old, new = ({name: pair[side] for name, pair in changes.items()} for side in (0, 1))
    record(Entry.Event.MODIFIED, incident, by=by, changes=difference(old, new), description=what)
    return TimelineEntry.objects.create(
        incident=incident, at=now, what=what, by=by.user, by_name=by.name[:150], text=text
    )
