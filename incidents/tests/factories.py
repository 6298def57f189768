"""Incidents for tests, opened as by a worker."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from accounts.models import Category, User
from incidents import lifecycle, notify
from incidents.lifecycle import Problem, Subject
from incidents.models import Incident
from incidents.notify import Audience
from notifications.messages import Message
from notifications.models import Alert

Kind = Incident.Kind
JOB = uuid.UUID(int=1)


def concerned(owner: User | None = None, uid: uuid.UUID = JOB, **values: Any) -> Subject:
    known: dict[str, Any] = {
        "name": "nightly",
        "category_id": Category.general().pk,
        "owner_id": owner.pk if owner else None,
    }
    return Subject(uid, **(known | values))


def trouble(job: Subject, now: dt.datetime, **values: Any) -> Problem:
    known: dict[str, Any] = {"kind": Kind.FAILING, "run": uuid.uuid4(), "error": "boom"}
    return Problem(subject=str(job.uid), since=now, job=job, **(known | values))


def fail(now: dt.datetime, job: Subject | None = None, **values: Any) -> Incident:
    return lifecycle.report_problem(trouble(job or concerned(), now, **values), now)


def announced(now: dt.datetime, job: Subject | None = None, **values: Any) -> Incident:
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
