"""What administrators do to destinations; each change in one transaction with its audit entry."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop as _

from audit.models import Entry
from audit.record import Actor, difference, masked, record
from notifications.delivery import deliver
from notifications.delivery.destinations import new_slug
from notifications.delivery.outbox import to_destination
from notifications.destinations.form import DestinationForm
from notifications.messages import Message
from notifications.models import Alert, Destination
from notifications.texts import Text
from scheduler_site.lib import clock
from scheduler_site.lib.encrypted import Undecryptable


@transaction.atomic
def save(form: DestinationForm, *, by: Actor) -> Destination:
    """Makes or changes the destination of a valid form."""
    destination, values = form.destination, form.cleaned_data
    is_new = destination.pk is None
    before = {} if is_new else _described(destination)
    secrets = {} if is_new else dict(destination.secrets)
    for name in ("name", "is_enabled", "is_default"):
        setattr(destination, name, values[name])
    hidden = {one.name for one in form.settings if one.is_secret}
    given = {name: text for name, text in values["settings"].items() if text}
    destination.options = {name: text for name, text in given.items() if name not in hidden}
    found = {name: text for name, text in given.items() if name in hidden}
    # Secrets that cannot be decrypted look empty, and stay.
    if found or not isinstance(destination.secrets, Undecryptable):
        destination.secrets = found
    destination.updated_by = by.user
    if is_new:
        destination.slug, destination.created_by = new_slug(destination.name), by.user
    destination.save()
    destination.teams.set(values["teams"])
    changes = difference(before, _described(destination)) | masked(secrets, dict(destination.secrets))
    if changes:
        event = Entry.Event.ADDED if is_new else Entry.Event.MODIFIED
        record(event, destination, by=by, changes=changes)
    return destination


@transaction.atomic
def delete(destination: Destination, *, by: Actor) -> None:
    """Jobs and teams that chose it are told of elsewhere from now on: where else they chose, or at the default destinations."""
    record(Entry.Event.DELETED, destination, by=by, changes=difference(_described(destination), {}))
    destination.delete()


def test(destination: Destination) -> Alert:
    """Sends a test message now; returns its alert with the result."""
    alert = to_destination(destination, f"test:{uuid.uuid4()}", Alert.Event.TEST, test_message(), clock.now())
    return send_now(alert)


def test_message() -> Message:
    subject, closing = Text(_("Belfry: test message")), Text(_("Alerts will arrive here."))
    return Message(subject, Text(_("Test")), [(Text(_("Sender")), "Belfry")], closing, "/")


def send_now(alert: Alert) -> Alert:
    """Waits for the service, ten seconds at most."""
    alert.save()
    deliver.deliver([str(alert.uid)])
    alert.refresh_from_db()
    if alert.state == Alert.State.PENDING:
        # Whoever tests looks at the answer now; a message that comes later would only puzzle.
        Alert.objects.filter(pk=alert.pk, state=Alert.State.PENDING).update(
            state=Alert.State.UNDELIVERABLE, next_attempt_at=None
        )
        alert.refresh_from_db()
    return alert


def _described(destination: Destination) -> dict[str, Any]:
    told = {name: getattr(destination, name) for name in ("name", "channel", "is_enabled", "is_default")}
    return {**told, "teams": sorted(team.slug for team in destination.teams.all()), **destination.options}
