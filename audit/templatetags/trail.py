"""Entries of the audit trail on pages, also on those of apps above: `{% load trail %}`."""

from __future__ import annotations

import uuid

from django import template

from audit import diff, labels
from audit.models import Entry

register = template.Library()
register.filter(labels.kind_name)
register.filter(labels.surface_name)

ICONS = {
    Entry.Event.ADDED: "add",
    Entry.Event.MODIFIED: "edit",
    Entry.Event.DELETED: "delete",
    Entry.Event.PAUSED: "paused",
    Entry.Event.RESUMED: "active",
    Entry.Event.CUSTOM_RUN: "run",
    Entry.Event.STOPPED: "stopped",
    Entry.Event.QUARANTINED: "broken",
    Entry.Event.LOGIN_FAILED: "warning",
    Entry.Event.RESYNCED: "running",
}


@register.filter
def icon_of(entry: Entry) -> str:
    return ICONS.get(Entry.Event(entry.event), "user") if entry.event in Entry.Event.values else "info"


@register.filter
def run_of(entry: Entry) -> uuid.UUID | None:
    """The run that somebody started or stopped; None where it is about something else."""
    if entry.object_type == "execution":
        return entry.object_uid
    try:
        return uuid.UUID(entry.description) if entry.event == Entry.Event.CUSTOM_RUN else None
    except ValueError:
        return None


@register.filter
def field_name(row: diff.Row, kind: str) -> str:
    """What forms call the field of a row, about an object of this kind; empty where it is a part of a field."""
    return labels.field_name(kind, row.field)


@register.filter
def changed(entry: Entry) -> list[diff.Row]:
    """The rows of what it changed."""
    return diff.rows(entry.changes)


@register.simple_tag
def latest_entries(uid: uuid.UUID, count: int = 5) -> list[Entry]:
    """The newest entries about one object, without what they changed."""
    entries = Entry.objects.about(uid).defer("changes", "snapshot")
    return list(entries.order_by("-at", "-id")[:count])
