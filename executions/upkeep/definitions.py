"""Rows of earlier releases have their whole definition in themselves: while Belfry works, it is put where it is kept once.

Each turn of the reconciler does a little, oldest rows first, in slices that are locked for some milliseconds. Nothing waits
for it: a row is read the same before and after. And what nobody names any more is taken away, once a day.
"""

from __future__ import annotations

import datetime as dt
import time
from itertools import takewhile
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, QuerySet

from executions.ledger import definitions, format_versions
from executions.ledger.lost import chosen
from executions.models import OPEN, Definition, Execution, Watermark
from scheduler_site.lib import clock

SLICE = 500
# Seconds that one turn may take.
SPENT = 1.0
# Transactions end sooner: keys that are still to come are higher than those of rows that are so old.
YOUNG = dt.timedelta(minutes=10)
# One statement covers this many keys of the ledger.
KEYS = 10_000


def share(now: dt.datetime) -> int:
    """Goes on from where the last turn came to; how many rows it has changed."""
    began, changed = time.monotonic(), 0
    mark, _ = Watermark.objects.get_or_create(name="definitions")
    while rows := _after(mark.at, now):
        changed += _share(rows)
        last = rows[-1].pk
        # Two that do the same do no harm; the one that is behind must not set it back.
        Watermark.objects.filter(pk=mark.pk, at__lt=last).update(at=last)
        mark.at = last
        if time.monotonic() - began > SPENT:
            break
    return changed


def _after(key: int, now: dt.datetime) -> list[Execution]:
    """Up to the first young one. The database is not asked for old ones: it would look for them among all that are young."""
    rows = Execution.objects.filter(pk__gt=key).order_by("pk")
    some = rows.only("created_at", "state", "definition", "shared_id")[:SLICE]
    return list(takewhile(lambda row: row.created_at < now - YOUNG, some))


@transaction.atomic
def _share(rows: list[Execution]) -> int:
    whole = {row.pk: row for row in rows if row.shared_id is None and _is_whole(row.definition)}
    if not whole:
        return 0
    told = {key: format_versions.completed(row.definition) for key, row in whole.items()}
    names = {key: definitions.digest(one) for key, one in told.items()}
    found = definitions.find({names[key]: one for key, one in told.items()})
    done = 0
    # Open ones say by which version they are to be read. Which they are is read again under the lock.
    locked = Execution.objects.filter(pk__in=whole, shared=None).order_by("pk")
    states = dict(locked.select_for_update().values_list("pk", "state"))
    for own in ({}, format_versions.stamped({})):
        keys = [key for key, state in states.items() if (state in OPEN) is bool(own)]
        if keys:
            shared = chosen([(key, found[names[key]].pk) for key in keys])
            done += Execution.objects.filter(pk__in=keys).update(shared_id=shared, definition=own)
    return done


def _is_whole(definition: Any) -> bool:
    """What was damaged by hand, and what says by itself how it is to be read, is left as it is."""
    return isinstance(definition, dict) and bool(definition) and format_versions.version_of(definition) == 1


def forget(now: dt.datetime | None = None) -> int:
    """Removes definitions that no run names, and that none was told for a while; how many."""
    before = (now or clock.now()) - definitions.UNUSED
    unused = Definition.objects.filter(used_at__lt=before)
    spare = set(unused.values_list("pk", flat=True))
    for some in slices(Execution.objects.all()):
        if not spare:
            return 0
        spare -= set(some.filter(shared__isnull=False).values_list("shared_id", flat=True).distinct())
    keys, removed = sorted(spare), 0
    for start in range(0, len(keys), SLICE):
        # One that was told again meanwhile has a younger date: then nothing is removed.
        rows = unused.filter(pk__in=keys[start : start + SLICE])
        removed += rows._raw_delete(using=rows.db)
    return removed


def slices(rows: QuerySet[Any]) -> Any:
    """By slices of keys: no statement reads the whole table, and no result is more than a slice has."""
    ends = rows.order_by().aggregate(first=Min("pk"), last=Max("pk"))
    first, last = ends["first"] or 0, ends["last"] or -1
    for start in range(first, last + 1, KEYS):
        yield rows.filter(pk__gte=start, pk__lt=start + KEYS).order_by()
