"""What people do to an incident is followed by services that keep one of their own for it, and by nobody else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from accounts.models import User
from audit.record import Actor
from incidents import notify, verbs
from incidents.models import Incident
from incidents.notify import Audience
from incidents.tests.factories import announced
from jobs.tests.running import Receiver
from notifications.delivery import deliver
from notifications.models import Alert
from notifications.tests.conftest import receiver, service
from scheduler_site.lib import clock

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db


def test_pagerduty_follows_what_people_do_under_one_key(ada: User, receiver: Receiver) -> None:
    pager = service(receiver, "pagerduty", "Pager", is_default=True)
    service(receiver, "discord", "Chat", is_default=True)
    incident = announced(clock.now() - dt.timedelta(minutes=5))
    assert verbs.acknowledge(incident, by=Actor(ada, "page"))
    assert verbs.close(Incident.objects.get(), by=Actor(ada, "page"))
    by_channel = Alert.objects.exclude(channel__in=["email", "inbox"]).order_by("pk")
    assert [(alert.channel, alert.event) for alert in by_channel] == [
        ("discord", "job_failed"),
        ("pagerduty", "job_failed"),
        ("pagerduty", "acknowledged"),
        ("pagerduty", "closed"),
    ]
    deliver.deliver([str(alert.uid) for alert in by_channel.filter(channel="pagerduty")])
    key = f"incident:{incident.uid}"
    assert [(one["event_action"], one["dedup_key"]) for one in pager.said] == [
        ("trigger", key),
        ("acknowledge", key),
        ("resolve", key),
    ]


def test_messages_go_where_the_job_of_the_incident_chose(receiver: Receiver) -> None:
    service(receiver, "discord", "Everybody", is_default=True)
    service(receiver, "discord", "Ops")
    incident = announced(clock.now())
    Incident.objects.update(audience=replace(Audience.of(incident), destinations="ops").stored())
    Alert.objects.all().delete()
    notify.tell_recovered(Incident.objects.get(), clock.now())
    assert [alert.whom for alert in Alert.objects.filter(channel="discord")] == [["Ops"]]
