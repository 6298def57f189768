"""Random expressions around clock changes, against cronsim and against a clock that ticks by the minute."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError

from jobs.schedule import Cron, slots_between
from scheduler_site.tests.rounds import rounds

MINUTE = timedelta(minutes=1)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

# Noon of the day before a change, in local time.
NIGHTS = [
    ("Europe/Berlin", "2026-03-28"),
    ("Europe/Berlin", "2026-10-24"),
    ("America/New_York", "2026-03-07"),
    ("America/New_York", "2026-10-31"),
    ("Europe/London", "2026-03-28"),
    ("Europe/London", "2026-10-24"),
    ("America/Santiago", "2026-04-04"),
    ("America/Santiago", "2026-09-05"),
    ("Africa/Cairo", "2026-04-23"),
    ("Africa/Cairo", "2026-10-29"),
    ("Asia/Beirut", "2026-03-28"),
    ("Asia/Beirut", "2026-10-24"),
    ("America/Havana", "2026-10-31"),
    ("America/Nuuk", "2026-03-28"),
    ("America/Nuuk", "2026-10-24"),
    ("Antarctica/Troll", "2026-03-28"),
    ("Antarctica/Troll", "2026-10-24"),
    ("Asia/Tokyo", "2026-02-27"),
    ("Asia/Kolkata", "2028-02-28"),
    ("UTC", "2026-12-31"),
]
HALF_HOURS = [("Australia/Lord_Howe", "2026-04-04"), ("Australia/Lord_Howe", "2026-10-03")]

# cronsim restarts a day at 00:00, which these zones skip in spring: it then runs a wildcard job for hour 0 at
# 01:00, or leaves out the day. cron(8) has such jobs follow the new clock; the ticking clock covers them.
MIDNIGHT_GAPS = {"America/Santiago", "Africa/Cairo", "Asia/Beirut", "America/Havana"}


@dataclass(frozen=True)
class Part:
    """A random field: its text and, known from how it was made, its values."""

    text: str
    values: frozenset[int]

    @property
    def starred(self) -> bool:
        return self.text.startswith("*")


@dataclass(frozen=True)
class Range:
    """The values of a field, their names, and the highest value to be drawn."""

    low: int
    high: int
    names: tuple[str, ...] = ()
    drawn: int = 0

    def item(self, rng: random.Random) -> tuple[str, Iterable[int]]:
        first, last = sorted(rng.randint(self.low, self.drawn or self.high) for _ in range(2))
        step = rng.randint(1, max((self.high - self.low) // 2, 2))
        kind = rng.choice(("value", "value", "range", "stepped", "star"))
        if kind == "value":
            return self.word(rng, first), [first]
        if kind == "range":
            return f"{first}-{last}", range(first, last + 1)
        if kind == "stepped" and first < last:  # cronsim reads 12-12/15 as 12-59/15, cron as 12
            return f"{first}-{last}/{step}", range(first, last + 1, step)
        return f"*/{step}", range(self.low, self.high + 1, step)

    def word(self, rng: random.Random, value: int) -> str:
        index = value - self.low
        if index >= len(self.names) or rng.random() < 0.5:
            return str(value)
        return rng.choice((str.upper, str.lower))(self.names[index])

    def part(self, rng: random.Random, star: float) -> Part:
        if rng.random() < star:
            return Part("*", frozenset(range(self.low, self.high + 1)))
        items = [self.item(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        return Part(",".join(text for text, _ in items), frozenset(v for _, values in items for v in values))


def parts(rng: random.Random) -> list[Part]:
    early = 3 if rng.random() < 0.5 else 0  # half of them in the hours in which clocks change
    return [
        Range(0, 59).part(rng, star=0.15),
        Range(0, 23, drawn=early).part(rng, star=0.2),
        Range(1, 31).part(rng, star=0.6),
        Range(1, 12, MONTHS).part(rng, star=0.7),
        Range(0, 7, WEEKDAYS).part(rng, star=0.6),
    ]


def expression(found: list[Part]) -> str:
    return " ".join(field.text for field in found)


def noon(timezone: str, day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=ZoneInfo(timezone))


def by_cronsim(text: str, start: datetime, count: int) -> list[datetime]:
    return [slot.astimezone(UTC) for slot in islice(CronSim(text, start), count)]


def chain(cron: Cron, start: datetime, count: int) -> list[datetime]:
    found: list[datetime] = []
    moment: datetime | None = start
    while len(found) < count and (moment := cron.next_after(moment or start)):
        found.append(moment)
    return found


def clock(start: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
    """Every minute as an instant and as what the clock on the wall shows."""
    instant = start.astimezone(UTC)
    for _ in range(days * 1440):
        yield instant, instant.astimezone(start.tzinfo).replace(tzinfo=None)
        instant += MINUTE


@dataclass(frozen=True)
class Night:
    """Two days, minute by minute, by two clocks: computed once for all expressions."""

    wall: list[tuple[datetime, datetime]]
    steady: list[tuple[datetime, datetime]]


def steady(ticks: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """The same with a clock that catches up with all that the wall leaves out, and never goes back."""
    seen: datetime | None = None
    for instant, wall in ticks:
        yield from ((instant, wall - n * MINUTE) for n in range(int((wall - seen) / MINUTE) if seen else 1))
        seen = max(seen or wall, wall)


def by_the_minute(found: list[Part], night: Night, both: bool) -> list[datetime]:
    """cron(8): wildcard jobs go by the wall, others by a clock that catches up and never goes back."""
    minutes, hours, month_days, months, weekdays = found
    both = both or month_days.starred or weekdays.starred
    combine = all if both else any

    def matches(wall: datetime) -> bool:
        return (
            wall.minute in minutes.values
            and wall.hour in hours.values
            and wall.month in months.values
            and combine(
                (
                    wall.day in month_days.values,
                    bool({wall.isoweekday() % 7, wall.isoweekday()} & weekdays.values),
                )
            )
        )

    ticks = night.wall if minutes.starred or hours.starred else night.steady
    return list(dict.fromkeys(instant for instant, wall in ticks if matches(wall)))


@pytest.mark.parametrize(("timezone", "day"), NIGHTS)
def test_random_expressions_fire_when_cronsim_says(timezone: str, day: str) -> None:
    rng = random.Random(f"{timezone} {day}")
    start = noon(timezone, day)
    for _ in rounds(60):
        found = parts(rng)
        text = expression(found)
        if timezone in MIDNIGHT_GAPS and (found[0].starred or found[1].starred):
            continue
        try:
            expected = by_cronsim(text, start, 8)
        except CronSimError:  # an impossible date
            continue
        reachable = [slot for slot in expected if slot.year < 2031]
        assert chain(Cron(text, timezone), start, len(reachable)) == reachable, text


@pytest.mark.parametrize(("timezone", "day"), NIGHTS + HALF_HOURS)
def test_random_expressions_fire_when_a_ticking_clock_says(timezone: str, day: str) -> None:
    rng = random.Random(f"clock {timezone} {day}")
    start = noon(timezone, day)
    night = Night(ticks := list(clock(start, 2)), list(steady(ticks)))
    for _ in rounds(20):
        found, both = parts(rng), rng.random() < 0.3
        cron = Cron(expression(found), timezone, "both" if both else "either")
        slots = slots_between(cron, ticks[0][0], ticks[-1][0])
        assert slots.times == by_the_minute(found, night, both), (cron.expression, both)
