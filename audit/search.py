"""Filters and cursor pages of the audit trail: the same for pages, exports and the API."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from functools import partial

from django.db.models import Q, TextField
from django.db.models.functions import Cast, Length

from audit.models import Entry, EntryQuerySet
from scheduler_site.lib.database import keyset
from scheduler_site.lib.database.keyset import Keyset

PAGE_SIZE = 50
# A search for a text reads this many entries at once.
WINDOW = 20_000
# Of the changes of one entry, as a list or a page has them, in characters.
HEAVY = 128 * 1024
ORDER = Keyset("at")


@dataclass(frozen=True)
class EntryFilter:
    """A filter of entries; an empty field does not filter. `start` is inclusive, `end` exclusive."""

    event: str = ""
    kind: str = ""
    uid: uuid.UUID | None = None
    actor: str = ""
    surface: str = ""
    text: str = ""
    start: dt.datetime | None = None
    end: dt.datetime | None = None

    def of(self, entries: EntryQuerySet) -> EntryQuerySet:
        """Applies all filters but the text, for which there is no index."""
        exact = {
            "event": self.event,
            "object_type": self.kind,
            "object_uid": self.uid,
            "actor_name": self.actor,
            "surface": self.surface,
            "at__gte": self.start,
            "at__lt": self.end,
        }
        return entries.filter(**{lookup: value for lookup, value in exact.items() if value})


@dataclass(frozen=True)
class Page:
    """Entries, the newest first, and the cursors of the pages beside it (empty: there is none).

    With `partly` a text was looked for in WINDOW entries only, and the next page goes on from there.
    """

    entries: list[Entry]
    older: str = ""
    newer: str = ""
    partly: bool = False


def page_of(entries: EntryQuerySet, cursor: str = "", size: int = PAGE_SIZE, text: str = "") -> Page:
    """The entries beyond a cursor, for an empty one the newest: it costs the same however far down the trail it lies.

    No index finds a `text` inside of another, so it is looked for in the next WINDOW entries: a page may be short, even empty,
    and not be the last. Raises ValueError for a cursor that is none.
    """
    page: keyset.Page[Entry] = ORDER.page(entries, cursor, partial(_looked, size=size, text=text))
    end = page.newer if cursor.endswith(keyset.NEWER) else page.older
    return Page(page.rows, page.older, page.newer, partly=len(page.rows) < size and bool(end))


def _looked(
    entries: EntryQuerySet, beyond: keyset.Beyond, *, size: int, text: str
) -> tuple[list[Entry], Entry | None]:
    """At most `size` of the entries in their order, and the one where to go on; none when there is nothing more."""
    edge = None
    if text:
        edge = entries.only("at")[WINDOW - 1 : WINDOW].first()
        if edge is not None:
            # The first of the two is for the index.
            bound = "at__gte" if beyond == ORDER.below else "at__lte"
            entries = entries.filter(**{bound: edge.at}).exclude(beyond(edge.at, edge.pk))
        entries = entries.filter(Q(object_name__icontains=text) | Q(description__icontains=text))
    found = _read(entries.select_related("seal")[: size + 1])
    return (found[:size], found[size - 1]) if len(found) > size else (found, edge)


def _read(entries: EntryQuerySet) -> list[Entry]:
    """The rows, without changes that are larger than HEAVY: of those it is said how large they are."""
    found = list(entries.defer("changes"))
    written = Entry.objects.filter(pk__in=[entry.pk for entry in found]).annotate(
        characters=Length(Cast("changes", TextField()))
    )
    weights = dict(written.values_list("pk", "characters"))
    light = [key for key, weight in weights.items() if weight <= HEAVY]
    changes = dict(Entry.objects.filter(pk__in=light).values_list("pk", "changes"))
    for entry in found:
        entry.weight = weights.get(entry.pk, 0)
        left_out = {"omitted": True, "bytes": entry.weight}
        entry.changes = changes.get(entry.pk, {"changes": {"old": None, "new": left_out}})
    return found


def words(field: str) -> list[str]:
    """The distinct values of the first field of an index; each costs one index lookup."""
    found: list[str] = []
    values = Entry.objects.order_by(field).values_list(field, flat=True)
    while (word := values.filter(**{f"{field}__gt": found[-1] if found else ""}).first()) is not None:
        found.append(word)
    return found
