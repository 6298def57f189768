"""Incidents as JSON, and what a request about them holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, TypedDict
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import User
from incidents.models import EscalationStep, Incident, TimelineEntry
from scheduler_site.rest.query import in_utc
from scheduler_site.rest.schema_types import Moment, Uid, one_of
from scheduler_site.rest.views import ApiError

UNREADABLE = "Write a time such as 2026-03-29T03:00:00+02:00."


class IncidentJson(TypedDict):
    """One problem of a job, or of a part of the system."""

    id: Annotated[Uid, "Its id."]
    kind: Annotated[str, "What is wrong.", one_of(Incident.Kind.values)]
    state: Annotated[str, "Where it stands.", one_of(Incident.State.values)]
    job_id: Annotated[Uid | None, "The job; null for a part of the system."]
    name: Annotated[str, "The job's name, or that of the part of the system."]
    category: Annotated[str | None, "The slug of the job's category."]
    team: Annotated[str | None, "The slug of the job's team."]
    owner: Annotated[str | None, "Whose job it is."]
    count: Annotated[int, "How often it happened."]
    first_execution_id: Annotated[Uid | None, "The first run in which it was seen."]
    last_execution_id: Annotated[Uid | None, "The newest one."]
    error: Annotated[str, "The first line of the newest error."]
    since: Annotated[Moment, "When it began."]
    opened_at: Annotated[Moment, "When it was opened."]
    last_at: Annotated[Moment, "When it happened last."]
    closed_at: Annotated[Moment | None, "When it ended."]
    ending: Annotated[str, "How it ended; empty while it is open.", one_of(["", *Incident.Ending.values])]
    seconds: Annotated[float, "How long it lasted, or has lasted until now."]
    flapping: Annotated[bool, "Whether it comes and goes."]
    acknowledged_by: Annotated[str | None, "Who looks after it."]
    acknowledged_at: Annotated[Moment | None, "Since when."]
    assignee: Annotated[str | None, "Whose it is."]
    snoozed_until: Annotated[Moment | None, "Until when nobody is reminded."]


class TimelineJson(TypedDict):
    """Something that happened to an incident."""

    at: Annotated[Moment, "When."]
    what: Annotated[str, "What.", one_of(TimelineEntry.What.values)]
    by: Annotated[str, "Who; empty where it happened by itself."]
    text: Annotated[str, "A comment, an assignee, until when, or to whom."]


class StepJson(TypedDict):
    """Whom else to tell of what nobody has acknowledged."""

    id: Annotated[Uid, "Its id."]
    after: Annotated[int, "Minutes after the opening."]
    channel: Annotated[str, "By which way.", one_of(EscalationStep.Channel.values)]
    user: Annotated[str | None, "Whom; null: the administrators."]
    team: Annotated[str | None, "The slug of the team for whose jobs it is; null: all teams without steps."]


def incident_json(incident: Incident, now: dt.datetime) -> IncidentJson:
    return {
        "id": str(incident.uid),
        "kind": incident.kind,
        "state": incident.state,
        "job_id": _uid(incident.job_uid),
        "name": incident.name,
        "category": incident.category.slug if incident.category else None,
        "team": incident.team.slug if incident.team else None,
        "owner": incident.owner.get_username() if incident.owner else None,
        "count": incident.count,
        "first_execution_id": _uid(incident.first_run),
        "last_execution_id": _uid(incident.last_run),
        "error": incident.error,
        "since": in_utc(incident.since),
        "opened_at": in_utc(incident.opened_at),
        "last_at": in_utc(incident.last_at),
        "closed_at": in_utc(incident.closed_at),
        "ending": incident.ending,
        "seconds": round(incident.lasted(now).total_seconds(), 3),
        "flapping": incident.flapping,
        "acknowledged_by": incident.acknowledged_by.get_username() if incident.acknowledged_by else None,
        "acknowledged_at": in_utc(incident.acknowledged_at),
        "assignee": incident.assignee.get_username() if incident.assignee else None,
        "snoozed_until": in_utc(incident.snoozed_until),
    }


def timeline_json(incident: Incident) -> list[TimelineJson]:
    return [
        {"at": in_utc(entry.at), "what": entry.what, "by": entry.by_name, "text": entry.text}
        for entry in incident.timeline.all()
    ]


def step_json(step: EscalationStep) -> StepJson:
    return {
        "id": str(step.uid),
        "after": step.after,
        "channel": step.channel,
        "user": step.user.get_username() if step.user else None,
        "team": step.team.slug if step.team else None,
    }


def read_until(body: Mapping[str, Any]) -> dt.datetime | None:
    """ISO 8601; without an offset in the scheduler's zone. 400 for anything else but null."""
    value = body.get("until")
    if value is None:
        return None
    try:
        found = dt.datetime.fromisoformat(value.strip())
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(settings.SCHEDULER_TIMEZONE))
        return found.astimezone(dt.UTC)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ApiError(400, "Invalid until", UNREADABLE) from error


def read_text(body: Mapping[str, Any], name: str) -> str:
    """400 for what is no text."""
    value = body.get(name)
    if not isinstance(value, str):
        raise ApiError(400, f"Invalid {name}", "Write a text.")
    return value


def read_account(name: object, label: str, hint: str) -> User | None:
    """The account of a username; None for null. 400."""
    found = User.objects.filter(username=name).first() if isinstance(name, str) and name else None
    if found is None and name is not None:
        raise ApiError(400, label, f"Write the username of an account, or {hint}.")
    return found


def _uid(value: object) -> str | None:
    return str(value) if value else None
