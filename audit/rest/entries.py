"""The REST route of the whole trail, and what the history of one object shares with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from audit.models import Entry, EntryQuerySet
from audit.search import EntryFilter, Page, page_of
from scheduler_site.lib import credentials
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.parameters import RANGE, Integer, Text, Words
from scheduler_site.rest.schema_types import Moment, Rules, Uid, one_of
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, date_range

OBJECT_TYPE = Text("object_type", "Only what happened to objects of this kind.", rules={"examples": ["job"]})
OBJECT_ID = Text("object_id", "Only what happened to the object with this id.")
EVENT = Words("event", f"Only this event: {', '.join(Entry.Event.values)}.", known=Entry.Event.values)
ACTOR = Text("actor", "Only what this account did: its name, exactly.")
SURFACE = Text("surface", "Only what came this way.")
TEXT = Text(
    "q",
    "Only entries with this text in the object's name or in their description. It is looked for in 20000 entries at a "
    "time: an answer may hold few entries, or none, and still have a `next_cursor`.",
)
LIMIT = Integer("limit", "How many.", default=50, high=200)
CURSOR = Text("cursor", "`next_cursor` or `previous_cursor` of an earlier answer; empty for the beginning.")
CHOICE = (EVENT, ACTOR, SURFACE, TEXT, *RANGE, LIMIT, CURSOR)
OUT_OF_BOUNDS = {422: "`limit` is not a number, or out of bounds."}
NextCursor = Annotated[str | None, "What to give as `cursor` for older entries; null at the end."]
PreviousCursor = Annotated[str | None, "What to give as `cursor` for newer entries; null at the beginning."]


class _Change(TypedDict):
    """A field."""

    old: Annotated[Any, "Its value before."]
    new: Annotated[Any, "Its value afterwards."]


class AuditObject(TypedDict):
    """What it happened to; it may be gone."""

    type: Annotated[str, "The kind of object.", Rules(examples=["job"])]
    id: Annotated[Uid | None, "The object's id, where it has one."]
    name: Annotated[str, "Its name, as it was then."]


class AuditEntry(TypedDict):
    """Something that somebody did."""

    id: Annotated[int, "Its number; later entries have higher ones, more or less."]
    at: Annotated[Moment, "When it happened."]
    event: Annotated[str, "What happened.", one_of(Entry.Event.values)]
    actor: Annotated[str, "The name of the account, as it was then; of what did it, where it was no account."]
    operator: Annotated[str, "The person behind a shared account, where known."]
    surface: Annotated[
        str, "By which way it came.", Rules(examples=["page", "api", "admin", "command", "system"])
    ]
    address: Annotated[str | None, "The address it came from; shown to administrators only."]
    object: AuditObject
    changes: Annotated[dict[str, _Change], "The fields that changed. Values of secrets are masked."]
    description: Annotated[str, "What else was said."]
    version: Annotated[int | None, "The number of the version that a job got by it, from 1."]
    digest: Annotated[str | None, "Over this entry and all before it; null for the first seconds."]


class AuditTrail(TypedDict):
    """Some entries, the newest first."""

    entries: Annotated[list[AuditEntry], "The entries."]
    limit: Annotated[int, "How many a page holds."]
    next_cursor: NextCursor
    previous_cursor: PreviousCursor


class MayRead(BasePermission):
    message = "Admin access required"

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.has_perm("audit.view_entry")


class TrailView(ApiView):
    tag = "Audit trail"
    method_permissions = {"GET": MayRead}

    @route(
        "list_audit_entries",
        "The first of them, or those after the cursor.",
        OUT_OF_BOUNDS,
        query=[OBJECT_TYPE, OBJECT_ID, *CHOICE],
    )
    def get(self, request: Request) -> Answer[AuditTrail]:
        """Who did what, the newest first.

        The whole audit trail, for administrators. An unknown value matches nothing.
        """
        params = request.query_params
        entries = Entry.objects.defer("snapshot")
        if kind := OBJECT_TYPE.of(params):
            entries = entries.filter(object_type=kind)
        if text := OBJECT_ID.of(params):
            uid = as_uuid(text)
            entries = entries.about(uid) if uid else entries.none()
        page, limit = page_for(entries, params)
        return Answer(
            {
                "entries": [entry_json(entry, address=True) for entry in page.entries],
                "limit": limit,
                "next_cursor": page.older or None,
                "previous_cursor": page.newer or None,
            }
        )


def wanted(params: Mapping[str, str]) -> EntryFilter:
    """The filter from the query parameters. 400 for invalid dates."""
    between = date_range(params)
    return EntryFilter(
        event=EVENT.of(params),
        actor=ACTOR.of(params),
        surface=SURFACE.of(params),
        text=TEXT.of(params),
        start=between.start,
        end=between.end,
    )


def page_for(entries: EntryQuerySet, params: Mapping[str, str]) -> tuple[Page, int]:
    """The page that the parameters choose, and its limit. 400 for odd dates or cursors, 422 for a limit out of bounds."""
    limit, narrowed = LIMIT.of(params), wanted(params)
    try:
        return page_of(narrowed.of(entries), params.get("cursor", ""), limit, narrowed.text), limit
    except ValueError as error:
        reason = "Take next_cursor or previous_cursor of an earlier answer."
        raise ApiError(400, "Invalid cursor", reason) from error


def entry_json(entry: Entry, *, address: bool) -> AuditEntry:
    return {
        "id": entry.pk,
        "at": entry.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "event": entry.event,
        "actor": entry.actor_name,
        "operator": entry.operator,
        "surface": entry.surface,
        "address": entry.address if address else None,
        "object": {
            "type": entry.object_type,
            "id": str(entry.object_uid) if entry.object_uid else None,
            "name": entry.object_name,
        },
        "changes": credentials.masked(entry.changes),
        "description": entry.description,
        "version": entry.version,
        "digest": entry.digest or None,
    }
