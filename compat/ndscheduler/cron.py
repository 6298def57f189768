"""Converts between APScheduler's cron fields and our expressions.

A schedule of this dialect is six texts: month, day, week, day_of_week, hour, minute. All of them must match, day_of_week counts
from 0 = Monday, `5/10` means from 5 on, and days may be `last`, `1st mon` ... `last fri` (APScheduler 3, CronTrigger).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jobs.schedule import Cron
from jobs.schedule.cron import HOUR, MINUTE, MONTH, MONTHS

FIELDS = ("month", "day", "week", "day_of_week", "hour", "minute")
SETTABLE = ("month", "day", "hour", "minute", "day_of_week")
LOWEST = {"month": "1", "day": "1", "week": "*", "day_of_week": "*", "hour": "0", "minute": "0"}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
POSITIONS = ("1st", "2nd", "3rd", "4th", "5th", "last")
LONGEST = 255
_FIELDS = {"minute": MINUTE, "hour": HOUR, "month": MONTH}
LONG = 30
# What the columns of a schedule hold (django-celery-beat).
COLUMN = {"minute": 240, "hour": 96, "day": 124, "month": 64, "day_of_week": 64}

_STAR = re.compile(r"\*(?:/(\d+))?$", re.ASCII)
_RANGE = re.compile(r"(\d+)(?:-(\d+))?(?:/(\d+))?$", re.ASCII)
# As in APScheduler, what follows a name is not looked at: `mon-fri/2` is `mon-fri`.
_NAMES = re.compile(r"([a-z]+)(?:-([a-z]+))?", re.IGNORECASE | re.ASCII)
_POSITION = re.compile(rf"({'|'.join(POSITIONS)}) +(\w+)", re.IGNORECASE)
_LAST = re.compile("last", re.IGNORECASE)


class CronError(ValueError):
    """A field that CronTrigger would not take either, or a schedule that never fires."""


@dataclass(frozen=True)
class Unit:
    """A field: its bounds, the names of its values, and how a range of numbers is written in our expressions."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def item(self, text: str) -> str:
        """One item of a list in our grammar."""
        if match := _STAR.match(text):
            step = self._step(match[1], self.high - self.low)
            return self._stepped("*", self.low, self.high, step)
        if match := _RANGE.match(text):
            return self._range(*match.groups())
        if self.name == "day" and (match := _POSITION.match(text)):
            day = self._name(match[2], WEEKDAYS)
            return f"{day}#{'L' if match[1].lower() == 'last' else match[1][0]}"
        if self.name == "day" and _LAST.match(text):
            return "L"
        if self.names and (match := _NAMES.match(text)):
            first, last = (
                self.names.index(self._name(word or match[1], self.names)) for word in match.groups()
            )
            return self._span(first + self.low, last + self.low, None)
        raise self._refused(f'"{text}" is not understood')

    def _range(self, first: str, last: str | None, step: str | None) -> str:
        low = int(first)
        high = int(last) if last else self.high if step else low
        # `0-0/5` is taken, `5-5/5` is not.
        stride = self._step(step, ((high if last else 0) or self.high) - low)
        if low < self.low or high > self.high:
            raise self._refused(f"a value is not between {self.low} and {self.high}")
        return self._span(low, high, stride)

    def _span(self, low: int, high: int, step: int | None) -> str:
        if low > high:
            raise self._refused("a range runs backwards")
        return self._stepped(f"{low}-{high}" if low < high else str(low), low, high, step)

    def _stepped(self, text: str, low: int, high: int, step: int | None) -> str:
        if self.name == "day_of_week":  # ours begins with Sunday: the days are written out by name
            days = [WEEKDAYS[day] for day in range(low, high + 1, step or 1)]
            return "*" if len(days) == 7 else ",".join(days)
        return f"{text}/{step}" if step and (text == "*" or low < high) else text

    def _step(self, text: str | None, most: int) -> int | None:
        if text is None:
            return None
        if not 0 < int(text) <= most:
            raise self._refused(f"a step of {text} does not fit")
        return int(text)

    def _name(self, word: str, names: tuple[str, ...]) -> str:
        if word.lower() not in names:
            raise self._refused(f'"{word}" is no name of this field')
        return word.lower()

    def _refused(self, reason: str) -> CronError:
        return CronError(f"Invalid {self.name}: {reason}.")


UNITS = {
    "month": Unit("month", 1, 12, MONTHS),
    "day": Unit("day", 1, 31),
    "day_of_week": Unit("day_of_week", 0, 6, WEEKDAYS),
    "hour": Unit("hour", 0, 23),
    "minute": Unit("minute", 0, 59),
}


def given(body: Mapping[str, Any]) -> dict[str, str]:
    """The fields that a body names, as texts; null counts as not named. Raises CronError."""
    week = body.get("week")
    if week is not None and str(week).strip() not in ("", "*"):
        raise CronError("Invalid week: it cannot be set; leave it out, or send *.")
    found = {}
    for name in SETTABLE:
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise CronError(f"Invalid {name}: it must be a text.")
        found[name] = str(value).strip()
        if len(found[name]) > LONGEST:
            raise CronError(f"Invalid {name}: it is too long.")
    return found


def filled(fields: Mapping[str, str]) -> dict[str, str]:
    """All six: what comes before the last one given is `*`, what comes after it is at its lowest."""
    last = max((FIELDS.index(name) for name in fields), default=len(FIELDS))
    return {
        name: fields.get(name, "*" if place < last else LOWEST[name]) for place, name in enumerate(FIELDS)
    }


@lru_cache(maxsize=4096)
def _translated(name: str, text: str) -> str:
    items = dict.fromkeys(UNITS[name].item(item) for item in re.split(" *, *", text.strip()))
    joined = ",".join(items)
    joined = _shortened(name, joined) if len(joined) > LONG else joined
    if len(joined) > COLUMN[name]:
        raise CronError(f"Invalid {name}: it is too long.")
    return joined


def _shortened(name: str, text: str) -> str:
    """A long list of minutes, hours or months as ranges, so that the pages can edit it too."""
    if name not in _FIELDS or text.startswith("*"):
        return text
    values = sorted(_FIELDS[name].values(text))
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def expression(fields: Mapping[str, str]) -> str:
    """Our expression for all six fields, to be read with both day fields matching. Raises CronError."""
    if fields["week"] != "*":
        raise CronError("Invalid week: it must be *.")
    return " ".join(
        _translated(name, fields[name]) for name in ("minute", "hour", "day", "month", "day_of_week")
    )


def schedule(fields: Mapping[str, str], timezone: str) -> Cron:
    """The same as a schedule. Raises CronError."""
    return Cron(expression(fields), timezone, "both")


# From ours to theirs ---------------------------------------------------------------------------------------------------


def fields_of(text: str) -> dict[str, str]:
    """Six fields for one of our expressions.

    Exact where both day fields must match or only one is restricted. What only we know, days that match in either field,
    cannot be said in this dialect: the fields are shown as they are.
    """
    minute, hour, day, month, weekday = text.lower().split()
    if "#" in weekday:
        # `5#3` is a day of the month here.
        positions = [_position(item) for item in weekday.split(",")]
        day, weekday = (",".join(positions), "*") if day == "*" else (_days(day), _weekdays_of(weekday))
    else:
        day, weekday = _days(day), _weekdays(weekday)
    return {"month": month, "day": day, "week": "*", "day_of_week": weekday, "hour": hour, "minute": minute}


def _days(text: str) -> str:
    def item(one: str) -> str:
        return "last" if one == "l" else _position(one) if "#" in one else one

    return _each(text, item)


def _position(text: str) -> str:
    day, _, nth = text.partition("#")
    return f"{POSITIONS[-1 if nth == 'l' else int(nth) - 1]} {_named(day)}"


def _weekdays_of(text: str) -> str:
    return _each(text, lambda one: _named(one.partition("#")[0]))


def _weekdays(text: str) -> str:
    """Named, and in the order of a week that begins on Monday; a full week is `*`."""
    if text == "*":
        return "*"
    found = {day for item in text.split(",") for day in _weekday_range(item)}
    if len(found) == 7:
        return "*"
    days = sorted(found)
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{WEEKDAYS[days[0]]}-{WEEKDAYS[days[-1]]}"
    return ",".join(WEEKDAYS[day] for day in days)


def _weekday_range(item: str) -> set[int]:
    """The days of an item of ours (0 and 7 are Sunday) as numbers of theirs."""
    span, _, step = item.partition("/")
    first, _, last = ("0-6" if span == "*" else span).partition("-")
    low = _number(first)
    high = _number(last) if last else low
    return {(day - 1) % 7 for day in range(low, high + 1, int(step or 1))}


def _number(word: str) -> int:
    return int(word) if word.isdigit() else (WEEKDAYS.index(word) + 1) % 7


def _named(word: str) -> str:
    return WEEKDAYS[(_number(word) - 1) % 7]


def _each(text: str, rewrite: Callable[[str], str]) -> str:
    return ",".join(rewrite(item) for item in text.split(","))
