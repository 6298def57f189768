"""The trail as a CSV file, written while it is read."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse

from audit.models import Entry, EntryQuerySet
from audit.search import HEAVY, page_of
from scheduler_site.lib import clock, credentials
from scheduler_site.lib.text import inert

MOST = 50_000
BATCH = 500
COLUMNS = (
    *("time", "event", "actor", "operator", "surface", "address"),
    *("object_type", "object_id", "object_name", "version", "description", "changes", "entry", "digest"),
)


class _Echo:
    """A file that hands back what is written into it."""

    def write(self, text: str) -> str:
        return text


def as_csv(entries: EntryQuerySet, text: str = "") -> StreamingHttpResponse:
    """The newest MOST of the entries (those with a `text`), in UTF-8. Where there are more, the last line says so."""
    response = StreamingHttpResponse(_lines(entries, text), content_type="text/csv; charset=utf-8")
    name = f"audit-{clock.shown():%Y%m%d-%H%M%S}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(entries: EntryQuerySet, text: str) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    cursor, written = "", 0
    while written < MOST:
        page = page_of(entries, cursor, min(BATCH, MOST - written), text)
        for entry in page.entries:
            yield writer.writerow([inert(cell) for cell in _cells(entry)])
        written, cursor = written + len(page.entries), page.older
        if not cursor:
            return
    yield writer.writerow([f"Only the newest {MOST} entries: narrow the filter for the others."])


def _all_changes(entry: Entry) -> Any:
    """Those that are too large for a page are read one by one, as they are written."""
    if getattr(entry, "weight", 0) <= HEAVY:
        return entry.changes
    return Entry.objects.values_list("changes", flat=True).get(pk=entry.pk)


def _cells(entry: Entry) -> list[str]:
    return [
        entry.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        entry.event,
        entry.actor_name,
        entry.operator,
        entry.surface,
        entry.address or "",
        entry.object_type,
        str(entry.object_uid or ""),
        entry.object_name,
        str(entry.version or ""),
        entry.description,
        json.dumps(credentials.masked(_all_changes(entry)), ensure_ascii=False, sort_keys=True),
        str(entry.pk),
        entry.digest,
    ]
