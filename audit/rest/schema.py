"""What the API's document says of the audit trail."""

from __future__ import annotations

from typing import Any

from audit.models import Entry
from scheduler_site.openapi.query import RANGE
from scheduler_site.openapi.schema import (
    FAULTS,
    Route,
    Schema,
    answer,
    anything,
    listing,
    mapping,
    maybe,
    moment,
    route,
    text,
    uid,
    whole,
    word,
)

TAG = "Audit trail"
LIMITS = {422: ("A number that is none, or out of bounds.", FAULTS)}
_CHANGE = answer(
    "", "A field.", {"old": anything("Its value before."), "new": anything("Its value afterwards.")}
)
_FIELDS: dict[str, Schema] = {
    "id": whole("Its number; later entries have higher ones, more or less."),
    "at": moment("When it happened."),
    "event": word("What happened.", Entry.Event.values),
    "actor": text("The name of the account, as it was then; of what did it, where it was no account."),
    "operator": text("The person behind a shared account, where known."),
    "surface": text("By which way it came.", examples=["page", "api", "admin", "command", "system"]),
    "address": maybe(text("The address it came from; told to administrators only.")),
    "object": answer(
        "AuditObject",
        "What it happened to; it may be gone.",
        {
            "type": text("The kind of object.", examples=["job"]),
            "id": maybe(uid("The object's id, where it has one.")),
            "name": text("Its name, as it was then."),
        },
    ),
    "changes": mapping("The fields that changed. Of secrets there is only that they did.", _CHANGE),
    "description": text("What else was said."),
    "version": maybe(whole("The number of the version that a job got by it, from 1.")),
    "digest": maybe(text("Over this entry and all before it; null for the first seconds.")),
}
ENTRY = answer("AuditEntry", "Something that somebody did.", _FIELDS)
DETAILED = answer(
    "JobAuditEntry",
    "Something that somebody did to a job.",
    _FIELDS
    | {"definition": maybe(mapping("The whole definition of the job as this left it, without secrets."))},
)
CHOICE: dict[str, Schema] = {
    "event": text(f"Only this event: {', '.join(Entry.Event.values)}."),
    "actor": text("Only what this account did: its name, exactly."),
    "surface": text("Only what came this way."),
    "q": text(
        "Only entries with this text in the object's name or in their description. It is looked for in 20000 entries at a "
        "time: an answer may hold few entries, or none, and still have a `next_cursor`."
    ),
    **RANGE,
    "limit": whole("How many.", minimum=1, maximum=200, default=50),
    "cursor": text("`next_cursor` or `previous_cursor` of an earlier answer; empty for the beginning."),
}


def page(name: str, entry: Schema) -> Any:
    return answer(
        name,
        "Some entries, the newest first.",
        {
            "entries": listing("The entries.", entry),
            "limit": whole("How many a page holds."),
            "next_cursor": maybe(text("What to give as `cursor` for older entries; null at the end.")),
            "previous_cursor": maybe(
                text("What to give as `cursor` for newer entries; null at the beginning.")
            ),
        },
    )


TRAIL: Route = {
    "get": route(
        "list_audit_entries",
        "Who did what, the newest first",
        TAG,
        {200: ("The first of them, or those after the cursor.", page("AuditTrail", ENTRY)), **LIMITS},
        about="The whole audit trail, for administrators. What is unknown matches nothing.",
        query={
            "object_type": text("Only what happened to objects of this kind.", examples=["job"]),
            "object_id": text("Only what happened to the object with this id."),
            **CHOICE,
        },
    )
}
