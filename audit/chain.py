"""The chain of digests: each sealed entry carries SHA-256 over its own content and the digest before it.

Sealing is a step of its own. A digest computed while a change is made would need the one before it, hence a lock that every
change of the whole system waits for until the change before it is committed, and that is taken in the middle of transactions
which hold locks on jobs and go on to take more: slow for many changes at once, and a deadlock sooner or later. So entries
are written without a seal in the transaction of their change, and whoever reconciles seals what is committed, a few seconds
later; `manage.py verify_audit` does the same before it looks.

The place in the chain is the seal's number, not the entry's id: ids have gaps where a transaction was rolled back, and an
entry may be committed after others with higher ids. Numbers have none. Two who seal at once want the same number,
of which the database lets one have it; the other leaves the rest to a later turn. No lock is held, nobody waits.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, Min, OuterRef

from audit.models import Entry, EntryQuerySet, Seal

log = logging.getLogger("audit.chain")

BATCH = 500
# At most this many entries are sealed in one turn of the reconciler.
AT_ONCE = 2000
# How far back, in sealed entries, a turn looks for one that was committed late. What came later still is found by the
# hourly look at everything, and by verify_audit.
REACH = 5000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SIMPLE = frozenset({str, int, bool, type(None)})
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def canonical(entry: Entry) -> str:
    """The content of an entry as one text, the same on every database and after every restore.

    Keys are sorted, times are microseconds since 1970, and a number that is whole is written as a whole number: databases
    keep JSON in forms of their own. What is null is left out, so that a column added later changes no digest.
    """
    return _written({name: getattr(entry, name) for name in _columns()})


def _written(values: Mapping[str, Any]) -> str:
    return _encode({name: _plain(value) for name, value in values.items() if value is not None})


@cache
def _columns() -> tuple[str, ...]:
    return tuple(field.attname for field in Entry._meta.concrete_fields)


def _plain(value: Any) -> Any:
    # Most values are one of these, which is why they are not handed to a call of their own.
    if type(value) in SIMPLE:
        return value
    if isinstance(value, dict):
        return {key: item if type(item) in SIMPLE else _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [item if type(item) in SIMPLE else _plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return (value - EPOCH) // dt.timedelta(microseconds=1)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value if isinstance(value, (int, str)) else str(value)


def digest(before: str, content: str) -> str:
    """Of an entry that follows the one with the digest `before` (empty for the first): 64 hexadecimal digits."""
    return hashlib.sha256(f"{before}\n{content}".encode()).hexdigest()


# Sealing ---------------------------------------------------------------------------------------------------------------


def seal(*, everything: bool = False) -> int:
    """Seals what is committed and has no seal yet, the oldest first; how many.

    With `everything` all entries are looked at and none is left over; otherwise it costs the same however long the trail is.
    """
    total, unsealed = 0, _unsealed(everything)
    while everything or total < AT_ONCE:
        entries = list(unsealed[:BATCH])
        if not entries or not _sealed(entries):
            break
        total += len(entries)
        unsealed = unsealed.filter(pk__gt=entries[-1].pk)
    if total:
        # Where logs are collected elsewhere, each line is a head that was noted.
        last = _last()
        log.info("sealed", extra={"number": last.number, "digest": last.digest} if last else {})
    return total


def _sealed(entries: list[Entry]) -> bool:
    """Adds these to the chain. False, and nothing done, when somebody else was faster."""
    last = _last()
    number, before = (last.number, last.digest) if last else (0, "")
    seals = []
    for entry in entries:
        number, before = number + 1, digest(before, canonical(entry))
        seals.append(Seal(number=number, entry=entry, digest=before))
    try:
        with transaction.atomic():
            Seal.objects.bulk_create(seals)
    except IntegrityError:
        return False
    return True


def _unsealed(everything: bool) -> EntryQuerySet:
    """Entries without a seal, the oldest first; unless `everything` is wanted, of those that REACH leads back to."""
    entries = Entry.objects.filter(~Exists(Seal.objects.filter(entry=OuterRef("pk")))).order_by("pk")
    last = _last()
    if everything or last is None or last.number <= REACH:
        return entries
    recent = Seal.objects.filter(number__gt=last.number - REACH)
    return entries.filter(pk__gt=recent.aggregate(first=Min("entry_id"))["first"])


def _last() -> Seal | None:
    return Seal.objects.order_by("-number").first()


# Verifying -------------------------------------------------------------------------------------------------------------


class Broken(Exception):
    """The trail is not what it was when it was sealed; the text names the first entry that is wrong."""


@dataclass(frozen=True)
class Verdict:
    """How many entries there are, and the digest of the last; `noted`: of which of them a head was noted."""

    count: int
    head: str
    noted: int | None = None


def verify(noted: str = "") -> Verdict:
    """Computes the whole chain anew. Raises Broken: an entry was changed or removed, or a `noted` head is not in it."""
    seal(everything=True)
    before, number, found = "", 0, None
    while seals := list(Seal.objects.filter(number__gt=number).order_by("number")[:BATCH]):
        rows = _rows([one.entry_id for one in seals])
        for one in seals:
            number += 1
            before = _checked(one, number, before, rows.get(one.entry_id))
            found = number if before == noted else found
    if noted and found is None:
        raise Broken(
            f"The noted head is not among the {number} entries: later ones were removed, or the chain was written anew."
        )
    return Verdict(number, before, found)


def _rows(keys: list[int]) -> dict[int, dict[str, Any]]:
    """Their columns by id; empty for an entry that cannot be read: SQLite keeps whatever is written into a column."""
    try:
        return {row["id"]: row for row in Entry.objects.filter(pk__in=keys).values(*_columns())}
    except (ValueError, TypeError):
        half = len(keys) // 2
        return _rows(keys[:half]) | _rows(keys[half:]) if half else {keys[0]: {}}


def _checked(one: Seal, number: int, before: str, row: dict[str, Any] | None) -> str:
    if one.number != number:
        raise Broken(f"Number {number} of the chain is missing.")
    if row is None:
        raise Broken(f"Entry {one.entry_id} (number {number}) was removed.")
    if digest(before, _written(row)) != one.digest:
        told = f", {row['at']:%Y-%m-%d %H:%M:%S} UTC, {Entry(**row)}" if row.get("at") else ""
        raise Broken(f"Entry {one.entry_id} (number {number}{told}) or its seal was changed.")
    return one.digest
