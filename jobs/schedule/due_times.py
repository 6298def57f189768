"""Calculates due times: the three kinds of schedule (cron, interval, once) as values; `now` is always an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs.schedule.cron import DayRule, Fields, normalise, parse
from jobs.schedule.errors import NeverFires, ScheduleError
from jobs.schedule.errors import Phrase as _
from jobs.schedule.wall_clock import DAY, SECOND, Batch, batch, instant, next_day, seconds_of, zone

HORIZON = timedelta(days=5 * 365 + 2)  # five years, leap days included: how far a cron schedule is searched
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=3653)
_LAST_SECOND = seconds_of(datetime(9000, 1, 1, tzinfo=UTC))  # leaves date arithmetic room before year 9999


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots in ascending order, and how many earlier ones were left out."""

    times: list[datetime]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Cron:
    """Five cron fields in a time zone; no slot before `start`, none after `end` (aware, both inclusive)."""

    expression: str
    timezone: str
    day_rule: DayRule = "either"
    start: datetime | None = None
    end: datetime | None = None

    @property
    def fields(self) -> Fields:
        """The parsed expression; raises ScheduleError."""
        return parse(self.expression, self.day_rule)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first slot strictly after `moment`, in UTC; None when there is none within five years."""
        after = max(seconds_of(moment), self._before_start())
        until = after + HORIZON // SECOND
        return next((instant(found.first) for found in self.batches(after, until)), None)

    def batches(self, after: int, until: int) -> Iterator[Batch]:
        """Slots with `after < slot <= until` (seconds since 1970), ascending, none twice, no batch empty."""
        after = max(after, self._before_start(), 0)
        until = min(until, _LAST_SECOND, _LAST_SECOND if self.end is None else seconds_of(self.end))
        if after < until:
            trimmed = (found.within(after, until) for found in self._days(after, until))
            yield from (found for found in trimmed if found.seconds)

    def _before_start(self) -> int:
        return 0 if self.start is None else _ceiling(self.start) - 1

    def _days(self, after: int, until: int) -> Iterator[Batch]:
        """One batch a day. A clock change may push an evening's slots past midnight: such days are merged."""
        fields, tz = self.fields, zone(self.timezone)
        day = instant(after).astimezone(tz).date() - DAY
        last = instant(until).astimezone(tz).date() + DAY
        held: Batch | None = None
        while (match := next_day(fields.days, day)) and match <= last:
            found = batch(fields, tz, match)
            day = match + DAY
            if not found.seconds:
                continue
            if held and found.first <= held.last:
                found = held.merged(found)
            elif held:
                yield held
            held = None if found.plain else found
            if found.plain:
                yield found
        if held:
            yield held


@dataclass(frozen=True, slots=True)
class Interval:
    """Slots at `anchor + k * every`, k >= 0: a grid that survives restarts without drift; none after `end`.

    From one second to ten years; raises ScheduleError(field="every").
    """

    every: timedelta
    anchor: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        seconds_of(self.anchor)  # refuses a naive one
        if self.every < SHORTEST:
            raise ScheduleError(_("An interval is at least one second."), "every")
        if self.every > LONGEST:
            raise ScheduleError(_("An interval is at most ten years."), "every")

    def next_after(self, moment: datetime) -> datetime | None:
        """The first slot strictly after `moment`, in UTC; None when there is none."""
        return self._slot(max((moment - self.anchor) // self.every + 1, 0))

    def between(self, first: datetime, last: datetime, limit: int) -> Slots:
        if self.end is not None:
            last = min(last, self.end)
        low = max(-((self.anchor - first) // self.every), 0)
        high = (last - self.anchor) // self.every + 1
        start = max(low, high - limit)
        times = [(self.anchor + k * self.every).astimezone(UTC) for k in range(start, high)]
        return Slots(times, max(start - low, 0))

    def _slot(self, k: int) -> datetime | None:
        try:
            slot = (self.anchor + k * self.every).astimezone(UTC)
        except OverflowError:
            return None
        return None if self.end is not None and slot > self.end else slot


@dataclass(frozen=True, slots=True)
class Once:
    """A single slot."""

    at: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ScheduleError("The time needs a time zone.", "at")

    def next_after(self, moment: datetime) -> datetime | None:
        """The slot, in UTC, when it lies after `moment`, else None."""
        return self.at.astimezone(UTC) if self.at > moment else None


Schedule = Cron | Interval | Once


def parse_cron(text: str, timezone: str, day_rule: DayRule = "either", *, now: datetime) -> Cron:
    """A cron schedule that is sure to fire after `now`.

    Raises ScheduleError, field "expression" or "timezone", and its kind NeverFires for impossible dates.
    """
    cron = Cron(normalise(text), timezone, day_rule)
    parse(cron.expression, day_rule)
    zone(timezone)
    if cron.next_after(now) is None:
        raise NeverFires(_("This never fires: no date of the next five years matches."))
    return cron


def slots_between(schedule: Schedule, first: datetime, last: datetime, limit: int = 10_000) -> Slots:
    """All slots with `first <= slot <= last` in UTC; beyond `limit` the latest, and how many were skipped."""
    limit = max(limit, 0)
    match schedule:
        case Cron():
            return _cron_slots(schedule, first, last, limit)
        case Interval():
            return schedule.between(first, last, limit)
        case Once():
            times = [schedule.at.astimezone(UTC)] if first <= schedule.at <= last else []
            return Slots(times[:limit], len(times[limit:]))


def _cron_slots(cron: Cron, first: datetime, last: datetime, limit: int) -> Slots:
    """Counts by the day, makes datetimes only of what is kept: a job may have been down for years."""
    kept: deque[Batch] = deque()
    held = skipped = 0
    for found in cron.batches(_ceiling(first) - 1, seconds_of(last)):
        kept.append(found)
        held += len(found.seconds)
        while kept and held - len(kept[0].seconds) >= limit:
            dropped = len(kept.popleft().seconds)
            held, skipped = held - dropped, skipped + dropped
    times = [found.base + seconds for found in kept for seconds in found.seconds]
    surplus = max(len(times) - limit, 0)
    return Slots([instant(seconds) for seconds in times[surplus:]], skipped + surplus)


def _ceiling(moment: datetime) -> int:
    return seconds_of(moment) + (moment.microsecond > 0)
