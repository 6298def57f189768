"""From wall-clock times to instants, through clock changes, with the rules of Debian's cron(8).

A job with fixed times runs right after a change that skips its time, and at the first occurrence only of a
time that is repeated. A job with `*` in minute or hour follows the new clock: not in a gap, twice in a
repeated hour.
cron(8) takes jumps of three hours or more for corrections; here these rules hold for a change of any size.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterBadDateError, croniter

from jobs.schedule.cron import EVERY_DAY, Days, Fields
from jobs.schedule.errors import Phrase as _
from jobs.schedule.errors import ScheduleError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class Batch(NamedTuple):
    """Slots of one day: `base + seconds[i]` since 1970 UTC, ascending; `plain` without a clock change."""

    base: int
    seconds: tuple[int, ...]
    plain: bool = False

    @property
    def first(self) -> int:
        return self.base + self.seconds[0]

    @property
    def last(self) -> int:
        return self.base + self.seconds[-1]

    def within(self, after: int, until: int) -> Batch:
        """The slots with `after < slot <= until`."""
        low = bisect_right(self.seconds, after - self.base)
        high = bisect_right(self.seconds, until - self.base)
        return Batch(self.base, self.seconds[low:high], self.plain)

    def merged(self, other: Batch) -> Batch:
        return Batch(0, tuple(sorted({b.base + s for b in (self, other) for s in b.seconds})))


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name such as `Europe/Berlin`; raises ScheduleError(field="timezone").

    Its rules are those that the installation agreed on (`agree`), else those that this process came with.
    """
    # A body may hold anything in its place.
    if agreed := _agreed.get(str(name)):
        return agreed
    if not _is_zone(name):
        raise ScheduleError(
            _("The time zone is not known: write a name such as Asia/Tokyo or UTC."), "timezone"
        )
    return ZoneInfo(name)


# Zones by rules that may differ from those that this process came with.
_agreed: dict[str, ZoneInfo] = {}


def agree(zones: Mapping[str, ZoneInfo]) -> None:
    """From now on these zones are used for their names: hosts whose tzdata differ come to the same due times."""
    global _agreed
    _agreed = dict(zones)


def _is_zone(name: object) -> bool:
    return isinstance(name, str) and name in _zones()


@lru_cache(maxsize=1)
def _zones() -> set[str]:
    return available_timezones() - {"localtime", "Factory"}  # these two depend on the machine


def seconds_of(moment: datetime) -> int:
    """Whole seconds since 1970 UTC, rounded down; raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("A schedule needs aware datetimes.")
    return (moment - EPOCH) // SECOND


def instant(seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


@lru_cache(maxsize=16_384)
def next_day(days: Days, day: date) -> date | None:
    """The first matching day on or after `day`; None when there is none within six years."""
    if days == EVERY_DAY:
        return day
    start = datetime(day.year, day.month, day.day) - SECOND  # naive: croniter only ever sees calendar days
    found = [_search(fields, start, either=not days.both) for fields in days.alternatives]
    return min((match for match in found if match), default=None)


def _search(fields: str, start: datetime, *, either: bool) -> date | None:
    search = croniter(f"0 0 {fields}", start, day_or=either, max_years_between_matches=6)
    try:
        found: datetime = search.get_next(datetime)
    except CroniterBadDateError:
        return None
    return found.date()


def batch(fields: Fields, tz: ZoneInfo, day: date) -> Batch:
    """The slots whose wall-clock time lies on `day`."""
    offset = _constant_offset(tz, day)
    if offset is None:
        return _changing(fields, tz, day)
    return Batch((day.toordinal() - EPOCH.toordinal()) * 86_400 - offset, fields.seconds, plain=True)


@lru_cache(maxsize=16_384)
def _constant_offset(tz: ZoneInfo, day: date) -> int | None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=tz)
    # fold=1 asks for the second midnight, so that a change which repeats the evening counts as well.
    start, end = _offset(midnight), _offset((midnight + DAY).replace(fold=1))
    return start if start == end else None


def _offset(wall: datetime) -> int:
    offset = wall.utcoffset()
    assert offset is not None  # noqa: S101 - ZoneInfo always knows
    return offset // SECOND


@lru_cache(maxsize=1024)
def _changing(fields: Fields, tz: ZoneInfo, day: date) -> Batch:
    midnight = datetime(day.year, day.month, day.day, tzinfo=tz)
    walls = (midnight + timedelta(seconds=seconds) for seconds in fields.seconds)
    return Batch(0, tuple(sorted({slot for wall in walls for slot in _resolve(wall, fields.wildcard)})))


def _resolve(wall: datetime, wildcard: bool) -> tuple[int, ...]:
    """The instants of a wall-clock time: one, none in a gap, or two (PEP 495: fold 0 and 1 disagree)."""
    first, second = (seconds_of(wall.replace(fold=fold).astimezone(UTC)) for fold in (0, 1))
    if first < second:
        return (first, second) if wildcard else (first,)
    if first > second:
        return () if wildcard else (_change_between(wall, second, first),)
    return (first,)


def when_fixed(wall: datetime) -> datetime:
    """When a job with this fixed wall-clock time (aware) runs: after a gap, and at the first occurrence of two."""
    return instant(_resolve(wall, wildcard=False)[0])


def _change_between(wall: datetime, before: int, after: int) -> int:
    """The first second of the new offset, which lies in `before < change <= after`."""
    old = _offset(wall)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(instant(middle).astimezone(wall.tzinfo)) == old:
            before = middle
        else:
            after = middle
    return after
