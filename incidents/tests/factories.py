"""Incidents for tests, opened as by a worker."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from accounts.models import Category, User
from incidents import lifecycle, notify
from incidents.lifecycle import Concerned, Trouble
from incidents.models import Incident
from incidents.notify import Audience
from notifications.messages import Message
from notifications.models import Alert

Kind = Incident.Kind
JOB = uuid.UUID(int=1)


def concerned(owner: User | None = None, uid: uuid.UUID = JOB, **values: Any) -> Concerned:
    known: dict[str, Any] = {
        "name": "nightly",
        "category_id": Category.general().pk,
        "owner_id": owner.pk if owner else None,
    }
    return Concerned(uid, **(known | values))


def trouble(job: Concerned, now: dt.datetime, **values: Any) -> Trouble:
    known: dict[str, Any] = {"kind": Kind.FAILING, "run": uuid.uuid4(), "error": "boom"}
    return Trouble(subject=str(job.uid), since=now, job=job, **(known | values))


def fail(now: dt.datetime, job: Concerned | None = None, **values: Any) -> Incident:
    return lifecycle.happened(trouble(job or concerned(), now, **values), now)


def announced(now: dt.datetime, job: Concerned | None = None, **values: Any) -> Incident:
    """People have been told of it: in an inbox and by mail."""
    incident = fail(now, job, **values)
    audience = Audience(["category:1"], ["ops@example.com"])
    assert notify.announce(incident, Alert.Event.JOB_FAILED, Message("opened", "opened"), audience, now)
    incident.refresh_from_db()
    return incident


def told(phase: str = "") -> list[str]:
    """Subjects of the alerts by mail, of one phase or of all."""
    rows = Alert.objects.filter(channel="email").order_by("pk")
    return [row.subject for row in (rows.filter(phase=phase) if phase else rows)]
