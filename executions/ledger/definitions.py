"""Definitions of runs, stored once for each version of a job: a run refers to it and stores only its differences.

A definition is written in the transaction of the rows that name it. No constraint holds it, since the index for that would
cost each row more than it saves. Instead it goes only when no run names it and none was told it for days; and whoever names
one that nobody was told for a day says first that it is in use again, which fails when it has just gone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from executions.ledger import format_versions
from executions.models import OPEN, Definition, Execution
from scheduler_site.lib import clock

BATCH = 500
# After so long its use is noted again; after so long without use, and without a run that names it, it goes.
NOTED = dt.timedelta(days=1)
UNUSED = dt.timedelta(days=3)

Body = Mapping[str, Any]


def keep(rows: Iterable[Execution]) -> None:
    """Makes rows that are about to be written name their definitions. To be called in the transaction that writes them.

    One query for all of them; two more for what was never told before.
    """
    shared: dict[str, Body] = {}
    named: list[tuple[Execution, str]] = []
    for row in rows:
        told: Any = row.definition
        common = row.common if row.common is not None else told
        if row.shared_id or not isinstance(told, dict) or common.keys() - told.keys():
            # What lacks a key of the common one cannot be told as that with changes.
            continue
        shared[name := digest(common)] = common
        named.append((row, name))
        own = {key: value for key, value in told.items() if key not in common or common[key] != value}
        row.definition = format_versions.stamped(own) if row.state in OPEN else own
    found = find(shared)
    for row, name in named:
        row.shared = found[name]


def digest(body: Body) -> str:
    """SHA-256, in hex, of the definition as JSON with sorted keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def find(bodies: Mapping[str, Body]) -> dict[str, Definition]:
    """The rows of these definitions, by digest; they are written where they are not there."""
    found = _present(bodies)
    if missing := sorted(bodies.keys() - found.keys()):
        now = clock.now()
        # In order, as everybody does it: two that write the same ones do not wait for each other in a circle.
        rows = [Definition(digest=name, body=bodies[name], used_at=now) for name in missing]
        Definition.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
        found |= _rows(missing)
    for name, row in found.items():
        row.body = bodies[name]
    return found


def _present(digests: Collection[str]) -> dict[str, Definition]:
    found = _rows(digests)
    now = clock.now()
    old = {row.pk for row in found.values() if row.used_at < now - NOTED}
    if not old:
        return found
    rows = Definition.objects.filter(pk__in=old)
    still = set(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    Definition.objects.filter(pk__in=still).update(used_at=now)
    return {name: row for name, row in found.items() if row.pk in still or row.pk not in old}


def _rows(digests: Collection[str]) -> dict[str, Definition]:
    rows = Definition.objects.filter(digest__in=digests).defer("body") if digests else ()
    return {row.digest: row for row in rows}
