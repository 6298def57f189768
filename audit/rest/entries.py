"""The REST route of the whole trail, and what the history of one object shares with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_view
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from audit.models import Entry, EntryQuerySet
from audit.rest import schema
from audit.search import Wanted, page_of
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, date_range, integer

MOST = 200


class MayRead(BasePermission):
    message = "Admin access required"

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.has_perm("audit.view_entry")


@extend_schema_view(**schema.TRAIL)
class TrailView(ApiView):
    """GET the entries of everything (admins): filters, `limit`, `cursor`. 400, 422."""

    method_permissions = {"GET": MayRead}

    def get(self, request: Request) -> Response:
        params = request.query_params
        entries = Entry.objects.defer("snapshot")
        if kind := _word(params, "object_type"):
            entries = entries.filter(object_type=kind)
        if text := _word(params, "object_id"):
            uid = as_uuid(text)
            entries = entries.about(uid) if uid else entries.none()
        return Response(page_json(entries, params))


def wanted(params: Mapping[str, str]) -> Wanted:
    """What the parameters of every history narrow it to. 400 for odd dates."""
    between = date_range(params)
    return Wanted(
        event=_word(params, "event"),
        actor=_word(params, "actor"),
        surface=_word(params, "surface"),
        text=_word(params, "q"),
        start=between.start,
        end=between.end,
    )


def page_json(
    entries: EntryQuerySet, params: Mapping[str, str], *, addresses: bool = True, definitions: bool = False
) -> dict[str, Any]:
    """The answer to the filters, `limit` and `cursor`. 400 for odd dates or cursors, 422 for a limit out of bounds."""
    limit, narrowed = integer(params, "limit", 50, high=MOST), wanted(params)
    try:
        page = page_of(narrowed.of(entries), params.get("cursor", ""), limit, narrowed.text)
    except ValueError as error:
        reason = "Take next_cursor or previous_cursor of an earlier answer."
        raise ApiError(400, "Invalid cursor", reason) from error
    found = [entry_json(entry, address=addresses) for entry in page.entries]
    if definitions:
        for told, entry in zip(found, page.entries, strict=True):
            told["definition"] = entry.snapshot
    cursors = {"next_cursor": page.older or None, "previous_cursor": page.newer or None}
    return {"entries": found, "limit": limit, **cursors}


def entry_json(entry: Entry, *, address: bool) -> dict[str, Any]:
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
        "changes": entry.changes,
        "description": entry.description,
        "version": entry.version,
        "digest": entry.digest or None,
    }


def _word(params: Mapping[str, str], name: str) -> str:
    return (params.get(name) or "").strip()
