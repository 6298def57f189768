"""Verbs for the rules of reminders and escalation."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Team, User
from audit.models import Entry
from audit.record import Actor, difference, record
from incidents.models import EscalationStep, Incident, ReminderRules
from incidents.models.rules import MINUTES_OF_A_WEEK
from incidents.notify import plan_again
from incidents.verbs import Invalid
from notifications.models import Alert

AT_ONCE = 1000


@transaction.atomic
def set_reminders(minutes: Mapping[str, int], *, by: Actor) -> dict[str, int]:
    """The minutes between reminders of those channels that are named; 0: none. Raises Invalid."""
    for channel, number in minutes.items():
        if channel not in Alert.Channel.values:
            raise Invalid("reminders", _("There is no channel “%(name)s”.") % {"name": channel})
        if not 0 <= number <= MINUTES_OF_A_WEEK:
            text = _("%(name)s: write 0 to %(most)d minutes.")
            raise Invalid("reminders", text % {"name": channel, "most": MINUTES_OF_A_WEEK})
    ReminderRules.objects.get_or_create(pk=ReminderRules.ONLY)
    row = ReminderRules.objects.select_for_update().get(pk=ReminderRules.ONLY)
    before = dict(row.minutes)
    row.minutes = row.minutes | dict(minutes)
    row.updated_by = by.user
    row.save()
    if changes := difference(before, row.minutes):
        record(Entry.Event.MODIFIED, row, by=by, changes=changes)
        _plan_all()
    return ReminderRules.current()


@transaction.atomic
def add_step(
    after: int, channel: str, *, team: Team | None = None, user: User | None = None, by: Actor
) -> EscalationStep:
    """Tells `user`, or the administrators, after so many minutes. Raises Invalid."""
    if not 1 <= after <= MINUTES_OF_A_WEEK:
        raise Invalid("after", _("Write 1 to %(most)d minutes.") % {"most": MINUTES_OF_A_WEEK})
    if channel not in EscalationStep.Channel.values:
        raise Invalid("channel", _("There is no channel “%(name)s”.") % {"name": channel})
    if channel == EscalationStep.Channel.SLACK and user is not None:
        raise Invalid("user", _("Messages to services go to their channel, not to one person."))
    if user is not None and not user.is_active:
        raise Invalid("user", _("This person has no active account."))
    step = EscalationStep.objects.create(
        after=after, channel=channel, team=team, user=user, created_by=by.user, updated_by=by.user
    )
    record(Entry.Event.ADDED, step, by=by, changes=difference({}, _described(step)))
    _plan_all()
    return step


@transaction.atomic
def remove_step(step: EscalationStep, *, by: Actor) -> None:
    """Takes a step of the escalation away, and plans the open incidents again."""
    record(Entry.Event.DELETED, step, by=by, changes=difference(_described(step), {}))
    step.delete()
    _plan_all()


def _described(step: EscalationStep) -> dict[str, object]:
    return {
        "after": step.after,
        "channel": step.channel,
        "team": str(step.team or ""),
        "user": str(step.user or ""),
    }


def _plan_all() -> None:
    """Applies new rules to the open incidents that nobody has acknowledged."""
    waiting = Incident.objects.open().filter(state=Incident.State.OPEN, announced_at__isnull=False)
    plan_again(list(waiting.order_by("pk")[:AT_ONCE]))
