"""The next due times of a schedule, with a note where a clock change moves or repeats one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.dates import MONTHS_3
from django.utils.translation import gettext as _

from jobs.schedule.cron import Fields, large_steps
from jobs.schedule.due_times import Cron, Schedule
from jobs.schedule.wall_clock import DAY, SECOND, next_day, zone

MOST = 100


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


def remarks(schedule: Schedule | None) -> list[str]:
    """What an expression says that its author may not mean: a step beyond the range, which leaves one value."""
    if not isinstance(schedule, Cron):
        return []
    return [
        _("%(field)s: a step of %(step)d is larger than its range, so that only %(value)d is left.")
        % {"field": field, "step": step, "value": value}
        for field, step, value in large_steps(schedule.expression)
    ]


def _note(schedule: Schedule, slot: datetime) -> str:
    if not isinstance(schedule, Cron):
        return ""
    fields, tz = schedule.fields, zone(schedule.timezone)
    wall = slot.astimezone(tz)
    if skipped := _skipped_time(fields, tz, slot):
        values = {"time": _clock(skipped), "day": _day(skipped), "then": _clock(wall)}
        return _("%(time)s does not exist on %(day)s: runs at %(then)s") % values
    if wall.utcoffset() != wall.replace(fold=1 - wall.fold).utcoffset():
        values = {"time": _clock(wall), "day": _day(wall)}
        if fields.wildcard:
            return _("%(time)s happens twice on %(day)s: runs both times") % values
        return _("%(time)s happens twice on %(day)s: runs at the first") % values
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
    return _("%(day)s %(month)s") % {"day": wall.day, "month": str(MONTHS_3[wall.month]).title()}
