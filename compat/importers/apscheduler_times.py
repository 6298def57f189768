"""When APScheduler 3 fires, clock changes included: for comparing with what we do.

It walks along the clock on the wall. Going up to a value of a field sets the hands, so that a time which the clock skips is
reached all the same and means an hour later; stepping to the next unit lets the true time pass, so that a repeated hour is
walked through twice.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from jobs.schedule import Cron
from jobs.schedule.cron import HOUR, MINUTE, MONTH
from jobs.schedule.wall_clock import next_day

YEARS = 6
SECOND, MINUTES, HOURS, DAY = (dt.timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


@dataclass(frozen=True)
class OldCron:
    """The same schedule as `cron`, which came of fields of APScheduler, in the hands of APScheduler."""

    cron: Cron

    def upcoming(self, moment: dt.datetime, count: int) -> list[dt.datetime]:
        """The next times after a moment, in UTC."""
        found: list[dt.datetime] = []
        while len(found) < count and (time := self._next_after(moment)):
            found.append(time)
            moment = time
        return found

    def _next_after(self, moment: dt.datetime) -> dt.datetime | None:
        hand = (moment.replace(microsecond=0) + SECOND).astimezone(self._zone)
        last = hand.year + YEARS
        while hand.year < last:
            moved = self._moved(hand)
            if moved is None:
                return hand.astimezone(dt.UTC)
            hand = moved
        return None

    def _moved(self, hand: dt.datetime) -> dt.datetime | None:
        """One move towards the next time; none where the hand shows one."""
        wall = hand.replace(tzinfo=None)
        midnight = dt.datetime.combine(wall.date(), dt.time())
        if wall.month not in self._months or not self._matches(wall.date()):
            return self._to_day(hand, midnight)
        if hand.hour not in self._hours:
            return self._to_value(hand, self._hours, hand.hour, midnight, HOURS, DAY)
        hour = midnight + hand.hour * HOURS
        if hand.minute not in self._minutes:
            return self._to_value(hand, self._minutes, hand.minute, hour, MINUTES, HOURS)
        return self._passed(hand, hour + (hand.minute + 1) * MINUTES) if hand.second else None

    def _to_day(self, hand: dt.datetime, midnight: dt.datetime) -> dt.datetime:
        if midnight.month not in self._months:
            month = min((month for month in self._months if month > midnight.month), default=None)
            if month is None:
                return self._passed(hand, midnight.replace(year=midnight.year + 1, month=1, day=1))
            return self._set(hand, midnight.replace(month=month, day=1))
        # The day of the month alone: a weekday that does not match is waited for.
        day = next_day(self.cron.fields.days._replace(weekdays="*", months="*"), midnight.date())
        if day is None or (day.year, day.month) != (midnight.year, midnight.month):
            return self._passed(hand, (midnight.replace(day=1) + 31 * DAY).replace(day=1))
        if day == midnight.date():
            return self._passed(hand, midnight + DAY)
        return self._set(hand, dt.datetime.combine(day, dt.time()))

    def _to_value(
        self,
        hand: dt.datetime,
        values: frozenset[int],
        value: int,
        start: dt.datetime,
        unit: dt.timedelta,
        larger: dt.timedelta,
    ) -> dt.datetime:
        later = min((one for one in values if one > value), default=None)
        if later is None:
            return self._passed(hand, start + larger)
        return self._set(hand, start + later * unit)

    def _set(self, hand: dt.datetime, wall: dt.datetime) -> dt.datetime:
        return wall.replace(tzinfo=self._zone, fold=hand.fold)

    def _passed(self, hand: dt.datetime, wall: dt.datetime) -> dt.datetime:
        lapse = wall - hand.replace(tzinfo=None)
        return (hand.astimezone(dt.UTC) + lapse).astimezone(self._zone)

    def _matches(self, day: dt.date) -> bool:
        return next_day(self.cron.fields.days, day) == day

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.cron.timezone)

    @cached_property
    def _texts(self) -> list[str]:
        return self.cron.expression.split()

    @cached_property
    def _minutes(self) -> frozenset[int]:
        return MINUTE.values(self._texts[0])

    @cached_property
    def _hours(self) -> frozenset[int]:
        return HOUR.values(self._texts[1])

    @cached_property
    def _months(self) -> frozenset[int]:
        return MONTH.values(self._texts[3])
