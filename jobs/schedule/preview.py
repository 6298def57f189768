"""The next slots of a schedule, with a word where a clock change moves or repeats one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jobs.schedule.cron import Fields
from jobs.schedule.kinds import Cron, Schedule
from jobs.schedule.walltime import DAY, SECOND, next_day, zone

MOST = 100
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A slot in UTC; `note` is empty unless the clock changes there."""

    at: datetime
    note: str = ""


def preview(schedule: Schedule, after: datetime, count: int) -> list[Occurrence]:
    """The first `count` slots (at most 100) strictly after a moment."""
    found: list[Occurrence] = []
    slot = schedule.next_after(after)
    while slot and len(found) < min(count, MOST):
        found.append(Occurrence(slot, _note(schedule, slot)))
        slot = schedule.next_after(slot)
    return found


def _note(schedule: Schedule, slot: datetime) -> str:
    if not isinstance(schedule, Cron):
        return ""
    fields, tz = schedule.fields, zone(schedule.timezone)
    wall = slot.astimezone(tz)
    if skipped := _skipped_time(fields, tz, slot):
        return f"{_clock(skipped)} does not exist on {_day(skipped)}: runs at {_clock(wall)}"
    if wall.utcoffset() != wall.replace(fold=1 - wall.fold).utcoffset():
        how = "both times" if fields.wildcard else "at the first"
        return f"{_clock(wall)} happens twice on {_day(wall)}: runs {how}"
    return ""


def _skipped_time(fields: Fields, tz: ZoneInfo, slot: datetime) -> datetime | None:
    """The first wall-clock time of a fixed-time job in the gap that ends at `slot`, if one does."""
    wall = slot.astimezone(tz).replace(tzinfo=None)
    gap_start = (slot - SECOND).astimezone(tz).replace(tzinfo=None) + SECOND
    if fields.wildcard or gap_start >= wall:
        return None
    day = next_day(fields.days, gap_start.date())
    while day and day <= wall.date():
        midnight = datetime(day.year, day.month, day.day)  # naive, like the gap
        times = (midnight + timedelta(seconds=seconds) for seconds in fields.seconds)
        if skipped := next((time for time in times if gap_start <= time < wall), None):
            return skipped
        day = next_day(fields.days, day + DAY)
    return None


def _clock(wall: datetime) -> str:
    return f"{wall:%H:%M}"


def _day(wall: datetime) -> str:
    return f"{wall.day} {_MONTHS[wall.month - 1]}"
