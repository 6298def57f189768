"""Agrees on the time zone rules for due times: the newest tzdata of any process of the installation.

The rules of each zone that a job uses are kept in the database, and every process uses these instead of its own. So hosts
whose tzdata differ come to the same due times, and none undoes what another did. A job's row says by which rules the time of
its next run was worked out; where they are older, `executions/ledger/due/zone_change.py` works it out again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jobs.models.zones import ZoneRules
from jobs.schedule import wall_clock, zone_rules

if TYPE_CHECKING:
    from jobs.models.stored_schedule import Timing

EVERY = 5.0


_current: dict[str, int] = {}
_compiled: dict[int, ZoneInfo] = {}
_read_at = -EVERY


def refresh(*, now: bool = True) -> None:
    """Uses the rules that are the newest in the database; without `now` at most every five seconds."""
    global _current, _read_at
    if not now and time.monotonic() - _read_at < EVERY:
        return
    newest: dict[str, tuple[str, int]] = {}
    for key, zone, version in ZoneRules.objects.values_list("pk", "zone", "version"):
        newest[zone] = max(newest.get(zone, ("", 0)), (version, key))
    found = {zone: key for zone, (_version, key) in newest.items()}
    _read_at = time.monotonic()
    if found != _current:
        _load(found.values())
        wall_clock.agree({zone: _compiled[key] for zone, key in found.items() if key in _compiled})
        _current = found


def _load(keys: Iterable[int]) -> None:
    missing = set(keys) - _compiled.keys()
    for row in ZoneRules.objects.filter(pk__in=missing):
        _compiled[row.pk] = zone_rules.compiled(row.zone, bytes(row.data))


def forget() -> None:
    """Back to the rules that this process came with."""
    global _current, _read_at
    _current, _read_at = {}, -EVERY
    _compiled.clear()
    wall_clock.agree({})


def mark(timing: Timing) -> int:
    """The key of the rules by which a schedule is worked out now; 0 where none are kept, or none matter."""
    return _current.get(timing.timezone, 0) if timing.kind == "cron" else 0


def by_key(key: int) -> ZoneInfo | None:
    """The rules that a job's mark names; None when they are not known."""
    if key and key not in _compiled:
        _load([key])
    return _compiled.get(key)


def learn(names: Iterable[str], now: dt.datetime) -> list[str]:
    """Keeps the rules of these zones that this process came with, where they are new or newer; says which these are."""
    refresh()
    known = dict(ZoneRules.objects.filter(pk__in=_current.values()).values_list("zone", "version"))
    fresh = []
    for name in sorted(set(names)):
        mine = zone_rules.local(name)
        if mine is None or (name in known and mine.version <= known[name]):
            continue
        if _is_newer(name, mine):
            fresh.append(ZoneRules(zone=name, version=mine.version, data=mine.data, at=now))
    if fresh:
        # Somebody else may do the same at this moment.
        ZoneRules.objects.bulk_create(fresh, ignore_conflicts=True)
        refresh()
    return [f"{row.zone} {row.version}" for row in fresh]


def _is_newer(name: str, mine: zone_rules.Rules) -> bool:
    """A release that says the same of this zone changes nothing for it."""
    kept = ZoneRules.objects.filter(pk=_current.get(name, 0)).values_list("data", flat=True).first()
    return kept is None or bytes(kept) != mine.data
