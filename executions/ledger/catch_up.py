"""Decides which due times since the last tick are run, merged or skipped. Pure functions: no database, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from executions.models import Reason, State
from executions.values import ON_TIME
from jobs.schedule import Schedule, slots_between

# More rows than this, one after the other with the same fate, become one row with a count.
SUMMARISE = 100
# Of a catch-up of all due times, at most so many are run.
MOST_RUNS = 100


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of a due time (or of `slots` of them, up to `last`): to be queued, or why not."""

    slot: dt.datetime
    state: State = State.QUEUED
    reason: Reason = Reason.NONE
    slots: int = 1
    last: dt.datetime | None = None


def plan(
    schedule: Schedule,
    first: dt.datetime,
    last: dt.datetime,
    *,
    now: dt.datetime | None = None,
    catch_up: str,
    deadline: dt.timedelta,
) -> list[Planned]:
    """The fates of all due times from `first` to `last`, in order, as they are judged `now` (by default at `last`).

    - `skip`: what is late is missed.
    - `last`: the latest is run if it is within the start deadline; the others are coalesced into it.
    - `all`: every one within the start deadline is run, oldest first, of very many the latest; the others are missed.
    """
    now = now or last
    due = slots_between(schedule, first, last)
    if not due.times:
        return []
    fates = list(_fates(due.times, now, catch_up, deadline))
    if due.skipped:
        # Too many to name each: they share the fate of the oldest that was named.
        reason = fates[0].reason or Reason.DEADLINE
        state = State.SKIPPED if reason == Reason.COALESCED else State.MISSED
        fates.insert(0, Planned(first, state, reason, due.skipped, last=first))
    return list(summarised(fates))


def _fates(
    times: list[dt.datetime], now: dt.datetime, catch_up: str, deadline: dt.timedelta
) -> Iterator[Planned]:
    runs = _to_run(times, now, catch_up, deadline)
    for slot in times:
        if slot in runs:
            yield Planned(slot)
        elif catch_up == "last" and runs:
            yield Planned(slot, State.SKIPPED, Reason.COALESCED)
        elif catch_up == "skip" and now - slot <= deadline:
            yield Planned(slot, State.MISSED, Reason.DOWN)
        elif catch_up == "all" and now - slot <= deadline:
            yield Planned(slot, State.MISSED, Reason.TOO_MANY)
        else:
            yield Planned(slot, State.MISSED, Reason.DEADLINE)


def _to_run(
    times: list[dt.datetime], now: dt.datetime, catch_up: str, deadline: dt.timedelta
) -> set[dt.datetime]:
    if catch_up == "skip":
        return {slot for slot in times if now - slot <= min(ON_TIME, deadline)}
    in_time = [slot for slot in times if now - slot <= deadline]
    return set(in_time[-1:] if catch_up == "last" else in_time[-MOST_RUNS:])


def summarised(fates: Iterable[Planned]) -> Iterator[Planned]:
    """Very many in a row that do not run, for one reason, become one."""
    for (state, reason), group in groupby(fates, key=lambda fate: (fate.state, fate.reason)):
        members = list(group)
        if state == State.QUEUED or sum(fate.slots for fate in members) <= SUMMARISE:
            yield from members
        else:
            count = sum(fate.slots for fate in members)
            yield Planned(members[0].slot, state, reason, count, last=members[-1].last or members[-1].slot)
