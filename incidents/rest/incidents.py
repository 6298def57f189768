"""The REST routes of incidents: the list, one with its timeline, and the verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NotRequired, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account, needs
from audit.record import Actor
from incidents import filters, verbs
from incidents.models import Incident
from incidents.rest.wire import (
    UNREADABLE,
    IncidentJson,
    TimelineJson,
    incident_json,
    read_account,
    read_text,
    read_until,
    timeline_json,
)
from scheduler_site.lib import clock
from scheduler_site.lib.database import keyset
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.parameters import Integer, Text, Words
from scheduler_site.rest.schema_types import Moment, Nothing, Rules
from scheduler_site.rest.views import ApiError, ApiView, as_uuid

SURFACE = "api"
RELATED = ("category", "team", "owner", "assignee", "acknowledged_by")
SHOW = Text("show", "open (with what is acknowledged or snoozed), closed, or all.", rules={"default": "open"})
WHOSE = Text(
    "whose",
    "mine (of my jobs and teams, and assigned to me), team (of my teams), or all.",
    rules={"default": "all"},
)
STATES = Words(
    "state",
    f"Only these, separated by commas: {', '.join(Incident.State.values)}.",
    known=Incident.State.values,
)
KINDS = Words(
    "kind", f"Only these, separated by commas: {', '.join(Incident.Kind.values)}.", known=Incident.Kind.values
)
JOB_ID = Text("job_id", "Only those of the job with this id.")
LIMIT = Integer("limit", "How many.", default=50, high=200)
CURSOR = Text("cursor", "`next_cursor` or `previous_cursor` of an earlier answer; empty for the beginning.")
HANDLE = {"POST": needs("incidents.handle_incident")}
IS_CLOSED = {409: "It is closed."}
Until = Annotated[Moment, "Without an offset in the scheduler's zone."]


class IncidentList(TypedDict):
    """Some incidents, the newest first."""

    incidents: Annotated[list[IncidentJson], "The incidents."]
    limit: Annotated[int, "How many a page holds."]
    next_cursor: Annotated[str | None, "What to give as `cursor` for older ones; null at the end."]
    previous_cursor: Annotated[str | None, "What to give as `cursor` for newer ones; null at the beginning."]


class OneIncident(TypedDict):
    """An incident."""

    incident: IncidentJson
    timeline: Annotated[list[TimelineJson], "What happened to it since it was opened, the oldest first."]


class IncidentChanged(TypedDict):
    """The incident as it is now."""

    message: Annotated[str, "What was done, or that it was so already."]
    incident: IncidentJson


class Assignment(TypedDict):
    """Whose it shall be."""

    assignee: Annotated[str | None, "A username; null for nobody.", Rules(maxLength=150)]


class SnoozeUntil(TypedDict):
    """Until when nobody shall be reminded."""

    until: Until


class MuteUntil(TypedDict):
    """Until when the job's incidents shall send no messages."""

    until: NotRequired[Until | None]


class Comment(TypedDict):
    """What to note."""

    text: Annotated[str, "Plain text.", Rules(minLength=1, maxLength=verbs.LONGEST_COMMENT)]


class _Incidents(ApiView):
    tag = "Incidents"

    def carried_out(self, incident: Incident, verb: Callable[[Actor], object], done: str) -> IncidentChanged:
        """400 for what makes no sense, 409 for what is closed."""
        try:
            changed = verb(Actor.request(self.request, SURFACE))
        except verbs.Invalid as refusal:
            raise ApiError(400, f"Invalid {refusal.field}", str(refusal)) from refusal
        except verbs.Refused as refusal:
            raise ApiError(409, "Not possible", str(refusal)) from refusal
        now = Incident.objects.select_related(*RELATED).get(pk=incident.pk)
        message = "Nothing has changed" if changed is False else done
        return {"message": message, "incident": incident_json(now, clock.now())}


class IncidentsView(_Incidents):
    method_permissions = {"GET": needs("incidents.view_incident")}

    @route(
        "list_incidents",
        "The first of them, or those after the cursor.",
        {422: "`limit` is not a number, or out of bounds."},
        query=[SHOW, WHOSE, STATES, KINDS, JOB_ID, LIMIT, CURSOR],
    )
    def get(self, request: Request) -> Answer[IncidentList]:
        """Incidents, the newest first.

        Those of the jobs that the account sees; administrators also see those of the system.
        """
        limit = LIMIT.of(request.query_params)
        rows = _wanted(request).of(Incident.objects.select_related(*RELATED), account(request))
        try:
            page = filters.ORDER.page(rows, CURSOR.of(request.query_params), keyset.first(limit))
        except ValueError as error:
            reason = "Take next_cursor or previous_cursor of an earlier answer."
            raise ApiError(400, "Invalid cursor", reason) from error
        now = clock.now()
        return Answer(
            {
                "incidents": [incident_json(one, now) for one in page.rows],
                "limit": limit,
                "next_cursor": page.older or None,
                "previous_cursor": page.newer or None,
            }
        )


class IncidentView(_Incidents):
    method_permissions = {"GET": needs("incidents.view_incident")}

    @route("get_incident", "With its timeline.")
    def get(self, request: Request, incident_id: str) -> Answer[OneIncident]:
        """One incident."""
        found = _visible(request, incident_id)
        return Answer({"incident": incident_json(found, clock.now()), "timeline": timeline_json(found)})


class AcknowledgeView(_Incidents):
    method_permissions = HANDLE

    @route("acknowledge_incident", "It is, or it was already.", IS_CLOSED, request=Nothing, optional=True)
    def post(self, request: Request, incident_id: str) -> Answer[IncidentChanged]:
        """Acknowledge an incident.

        Reminders and escalation stop. It closes by itself when all is well again.
        """
        found = _visible(request, incident_id)
        self.payload(optional=True)
        return Answer(
            self.carried_out(found, lambda by: verbs.acknowledge(found, by=by), "Incident acknowledged")
        )


class AssignView(_Incidents):
    method_permissions = HANDLE

    @route("assign_incident", "It is, or it was already.", IS_CLOSED, request=Assignment)
    def post(self, request: Request, incident_id: str) -> Answer[IncidentChanged]:
        """Assign an incident to somebody.

        The person is told in the inbox.
        """
        found, body = _visible(request, incident_id), self.payload()
        user = read_account(body.get("assignee", ""), "Invalid assignee", "null for nobody")
        return Answer(
            self.carried_out(found, lambda by: verbs.assign(found, user, by=by), "Incident assigned")
        )


class SnoozeView(_Incidents):
    method_permissions = HANDLE

    @route("snooze_incident", "Nobody is reminded until then.", IS_CLOSED, request=SnoozeUntil)
    def post(self, request: Request, incident_id: str) -> Answer[IncidentChanged]:
        """Snooze an incident."""
        found = _visible(request, incident_id)
        until = read_until(self.payload())
        if until is None:
            raise ApiError(400, "Invalid until", UNREADABLE)
        return Answer(
            self.carried_out(found, lambda by: verbs.snooze(found, until, by=by), "Incident snoozed")
        )


class MuteView(_Incidents):
    method_permissions = HANDLE | {"DELETE": needs("incidents.handle_incident")}

    @route(
        "mute_job_of_incident",
        "Its incidents open and close without a message.",
        {403: "Only who may change the job may mute it."},
        request=MuteUntil,
        optional=True,
    )
    def post(self, request: Request, incident_id: str) -> Answer[IncidentChanged]:
        """Mute the job of an incident.

        Until the time given, or until it is unmuted.
        """
        found = _changeable(request, incident_id)
        until = read_until(self.payload(optional=True))
        return Answer(self.carried_out(found, lambda by: verbs.mute(found, until, by=by), "Job muted"))

    @route("unmute_job_of_incident", "It is not muted.", {403: "Only who may change the job may."})
    def delete(self, request: Request, incident_id: str) -> Answer[IncidentChanged]:
        """Unmute the job of an incident."""
        found = _changeable(request, incident_id)
        return Answer(self.carried_out(found, lambda by: verbs.unmute(found, by=by), "Job unmuted"))


class CommentView(_Incidents):
    method_permissions = HANDLE

    @route("comment_on_incident", "It is in the timeline.", request=Comment)
    def post(self, request: Request, incident_id: str) -> Answer[IncidentChanged]:
        """Comment on an incident.

        A closed one, too.
        """
        found = _visible(request, incident_id)
        text = read_text(self.payload(), "text")
        return Answer(self.carried_out(found, lambda by: verbs.comment(found, text, by=by), "Comment added"))


class CloseView(_Incidents):
    method_permissions = HANDLE

    @route("close_incident", "It is, or it was already.", request=Nothing, optional=True)
    def post(self, request: Request, incident_id: str) -> Answer[IncidentChanged]:
        """Close an incident by hand.

        Its recovery is not told. What happens next opens another one.
        """
        found = _visible(request, incident_id)
        self.payload(optional=True)
        return Answer(self.carried_out(found, lambda by: verbs.close(found, by=by), "Incident closed"))


def _wanted(request: Request) -> filters.IncidentFilter:
    """400 for a word that is none of those known; an id that is none matches nothing."""
    params = request.query_params
    show, whose = SHOW.of(params) or filters.OPEN, WHOSE.of(params) or filters.ALL
    if show not in filters.SHOWN:
        raise ApiError(400, "Invalid show", f"Write one of: {', '.join(filters.SHOWN)}.")
    if whose not in filters.WHOSE:
        raise ApiError(400, "Invalid whose", f"Write one of: {', '.join(filters.WHOSE)}.")
    job = JOB_ID.of(params)
    uid = as_uuid(job) if job else None
    if job and uid is None:
        raise ApiError(400, "Invalid job_id", "Write the id of a job.")
    return filters.IncidentFilter(
        show, whose, frozenset(STATES.all_of(params)), frozenset(KINDS.all_of(params)), uid
    )


def _visible(request: Request, incident_id: str) -> Incident:
    uid = as_uuid(incident_id)
    visible = Incident.objects.visible_to(account(request)).select_related(*RELATED)
    found = visible.filter(uid=uid).first() if uid else None
    if found is None:
        raise ApiError(404, "Incident not found", "There is no incident with this id.")
    return found


def _changeable(request: Request, incident_id: str) -> Incident:
    """404 where it cannot be seen, 403 where its job is not this account's to change."""
    found = _visible(request, incident_id)
    if not Incident.objects.changeable_by(account(request)).filter(pk=found.pk).exists():
        raise ApiError(403, "Insufficient permissions", "Only who may change the job may mute it.")
    return found
