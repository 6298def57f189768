"""The grammar of cron expressions: five fields of strict ASCII, read as crontab(5) of Debian reads them.

Beyond Debian: `5/15` is 5-59/15, as croniter, cronsim and APScheduler read it; `L` or `last` (last day), `fri#3` and
`fri#L` (third and last Friday) in lists of the day of month, and `5#3` (third Friday) in the day of week.
Stricter than Debian: ranges that wrap around, which its crontab accepts and its cron never runs, are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal, NamedTuple

from jobs.schedule.errors import Phrase as _
from jobs.schedule.errors import ScheduleError

DayRule = Literal["either", "both"]
MAX_LENGTH = 100  # of what people write
STORED_LENGTH = 600  # of what other dialects may make of their fields
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_ITEM = re.compile(r"(\*|[0-9]+|[a-z]{3})(?:-([0-9]+|[a-z]{3}))?(?:/([0-9]+))?")
_NTH = re.compile(r"([0-9]|[a-z]{3})#([0-9]+)")
_POSITION = re.compile(r"([a-z]{3})#([0-9]+|L)")


class Days(NamedTuple):
    """Which days match: three fields as croniter reads them, and whether both day fields must agree.

    The weekdays in `also`, such as `1#1,L5`, match besides. Without `month_days` they match alone.
    """

    month_days: str
    months: str
    weekdays: str
    both: bool
    also: str = ""

    @property
    def alternatives(self) -> list[str]:
        """The fields for croniter; a day matches that one of them matches."""
        # The last day goes on its own: croniter takes the 31 values of 2-31,L for every day.
        days = [self.month_days.removesuffix(",L"), *["L"] * self.month_days.endswith(",L")]
        found = [f"{one} {self.months} {self.weekdays}" for one in days if one]
        return found + ([f"* {self.months} {self.also}"] if self.also else [])


EVERY_DAY = Days("*", "*", "*", True)


@dataclass(frozen=True, slots=True)
class Fields:
    """A parsed expression: `seconds` after midnight, ascending, on the matching `days`.

    `wildcard` jobs have `*` in minute or hour and follow the clock through its changes; others are fixed.
    """

    seconds: tuple[int, ...]
    days: Days
    wildcard: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One of the five fields: the values it takes and the names they may go by."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return 7 if self.names is WEEKDAYS else self.high - self.low + 1

    def refuse(self, reason: str) -> ScheduleError:
        # The whole of it is one text: languages order its parts in their own ways.
        return ScheduleError(_("%(field)s field: %(reason)s.") % {"field": self.name, "reason": reason})

    def number(self, word: str) -> int:
        """The value of a number or a name; raises ScheduleError."""
        if word in self.names:
            return self.names.index(word) + self.low
        if not word.isdigit():
            raise self.refuse(_('"%(text)s" is not a value of this field') % {"text": word})
        if not self.low <= int(word) <= self.high:
            bounds = {"text": word, "low": self.low, "high": self.high}
            raise self.refuse(_("%(text)s is not between %(low)s and %(high)s") % bounds)
        return int(word)

    def values(self, text: str) -> frozenset[int]:
        """The values of a list of numbers, ranges and steps; Sunday is 0."""
        found = {value for item in text.split(",") for value in self.item(item)}
        return frozenset(value % 7 for value in found) if self.names is WEEKDAYS else frozenset(found)

    def item(self, item: str) -> range:
        """The values of one item of a list; raises ScheduleError."""
        match = _ITEM.fullmatch(item)
        if not match or (match[1] == "*" and match[2]):
            raise self.refuse(self._why_not(item))
        first, last, step = match.groups()
        if first == "*":
            low, high = self.low, self.high
        else:
            low = self.number(first)
            high = self.number(last) if last else max(low, self._top) if step else low
        if low > high:
            told = {"range": f"{first}-{last}", "better": self._unwrapped(low, high)}
            raise self.refuse(_("%(range)s runs backwards: write %(better)s") % told)
        if step and int(step) == 0:
            raise self.refuse(_("a step cannot be 0"))
        return range(low, high + 1, int(step) if step else 1)

    @property
    def _top(self) -> int:
        return 6 if self.names is WEEKDAYS else self.high

    def _unwrapped(self, low: int, high: int) -> str:
        """The list that a wrapping range probably means: `22-2` is `22-23,0-2`."""
        parts = ((low, self._top), (self.low, high)) if low <= self._top else ((self.low, high),)
        return ",".join(f"{a}-{b}" if a < b else f"{b}" for a, b in parts)

    def _why_not(self, item: str) -> str:
        if not item:
            return _("a value is missing")
        if item == "?":
            return _("? is not supported, write *")
        if "#" in item:
            return _(
                "only a single day such as 5#3 (the third Friday) may carry #, and only in the day of week"
            )
        if re.fullmatch(r"l[w0-9/-]*|[0-9]+l", item):
            return _("L (the last day) stands alone, and only in the day of month")
        if re.fullmatch(r"w|[0-9]+w|w[0-9]+|lw", item):
            return _("W (the nearest working day) is not supported")
        if re.match(r"[hr](?![a-z])", item):
            text = _("%(sign)s (a hashed or random time) is not supported, write a number")
            return text % {"sign": item[0].upper()}
        return _('"%(text)s" is not a number, a name of three letters, a range or a step') % {"text": item}


MINUTE = Field(_("Minute"), 0, 59)
HOUR = Field(_("Hour"), 0, 23)
MONTH_DAY = Field(_("Day of month"), 1, 31)
MONTH = Field(_("Month"), 1, 12, MONTHS)
WEEKDAY = Field(_("Day of week"), 0, 7, WEEKDAYS)
FIVE = (MINUTE, HOUR, MONTH_DAY, MONTH, WEEKDAY)


def normalise(text: object, longest: int = MAX_LENGTH) -> str:
    """Five fields, lower case but for `L`, single spaces, macros written out; raises ScheduleError."""
    if not isinstance(text, str):
        raise ScheduleError(_("A cron expression is text of five fields."))
    if len(text) > longest:
        raise ScheduleError(_("A cron expression has at most %(most)d characters.") % {"most": longest})
    if not re.fullmatch(r"[\t\x20-\x7e]*", text):
        raise ScheduleError(_("A cron expression has only plain ASCII letters, digits and signs."))
    text = text.strip().lower()
    if text.startswith("@"):
        return _macro(text)
    fields = text.split()
    if len(fields) != 5:
        raise ScheduleError(_miscounted(len(fields)))
    fields[2] = re.sub(r"\b(l|last)\b", "L", fields[2])
    return " ".join(fields)


def large_steps(expression: str) -> list[tuple[str, int, int]]:
    """(field, step, the only value that is left) of steps that leave their range, as in `*/100`: cron takes them, so do we."""
    found = []
    for field, text in zip(FIVE, normalise(expression, STORED_LENGTH).split(" "), strict=True):
        for item in text.split(","):
            match = _ITEM.fullmatch(item)
            if match and match[3] and int(match[3]) >= len(field.item(item.replace(f"/{match[3]}", "/1"))):
                found.append((field.name, int(match[3]), field.item(item).start))
    return found


def _macro(text: str) -> str:
    if text == "@reboot":
        raise ScheduleError(_("@reboot is not a time: a scheduler does not know when its machines start."))
    if text not in MACROS:
        told = {"text": text, "known": ", ".join(MACROS)}
        raise ScheduleError(_('"%(text)s" is not known; the shorthands are %(known)s.') % told)
    return MACROS[text]


def _miscounted(count: int) -> str:
    order = _("A cron expression has five fields: minute, hour, day of month, month, day of week.")
    if count == 6:
        return _("%(order)s This one has six; seconds are not supported.") % {"order": order}
    return _("%(order)s This one has %(count)s.") % {"order": order, "count": count or _("none")}


@lru_cache(maxsize=4096)
def parse(expression: str, day_rule: DayRule = "either") -> Fields:
    """The meaning of an expression; raises ScheduleError that names the wrong field."""
    minute, hour, month_day, month, weekday = normalise(expression, STORED_LENGTH).split(" ")
    minutes, hours = MINUTE.values(minute), HOUR.values(hour)
    return Fields(
        seconds=tuple(sorted(h * 3600 + m * 60 for h, m in product(hours, minutes))),
        days=_days(month_day, MONTH.values(month), weekday, day_rule),
        wildcard=minute.startswith("*") or hour.startswith("*"),
    )


def _days(month_day: str, months: frozenset[int], weekday: str, day_rule: DayRule) -> Days:
    """crontab(5): either day field may match when both are restricted; one that starts with `*` is not."""
    both = day_rule == "both" or month_day.startswith("*") or weekday.startswith("*")
    items = month_day.split(",")
    positions = [match for item in items if (match := _POSITION.fullmatch(item))]
    days = _month_days([item for item in items if not _POSITION.fullmatch(item)])
    weekdays = _weekdays(weekday)
    if "#" in weekdays and not both:
        raise WEEKDAY.refuse(_("# needs * in the day of month, or the rule that both days must match"))
    if "#" in weekdays and positions:
        raise WEEKDAY.refuse(_("# may stand in one of the two day fields only"))
    if not both and "*" in (days, weekdays):
        days = weekdays = "*"  # 1-31 or 0-6 matches alone, but croniter would see no restriction in it
    also = _positions(positions, weekdays if both else "*")
    if not (days or both):
        days, both = "*", True  # the weekdays, or the positions
    return Days(days, _listed(months, MONTH), weekdays, both or days == "*", also)


def _month_days(items: list[str]) -> str:
    if not items:
        return ""
    plain = [item for item in items if item != "L"]
    days = _listed(MONTH_DAY.values(",".join(plain).lower()), MONTH_DAY) if plain else ""
    return days if len(plain) == len(items) or days == "*" else f"{days},L".lstrip(",")


def _positions(found: list[re.Match[str]], weekdays: str) -> str:
    """Days such as the third Friday as croniter writes them, of those weekdays that match at all."""
    texts = set()
    for match in found:
        day = WEEKDAY.number(match[1])
        if match[2] != "L" and not 1 <= int(match[2]) <= 5:
            raise MONTH_DAY.refuse(_("#%(number)s is not between #1 and #5") % {"number": match[2]})
        if weekdays == "*" or str(day) in weekdays.split(","):
            texts.add(f"L{day}" if match[2] == "L" else f"{day}#{int(match[2])}")
    return ",".join(sorted(texts))


def _weekdays(text: str) -> str:
    if "#" not in text:
        return _listed(WEEKDAY.values(text), WEEKDAY)
    return ",".join(sorted({_nth(item) for item in text.split(",")}))


def _nth(item: str) -> str:
    match = _NTH.fullmatch(item)
    if not match:
        raise WEEKDAY.refuse(_('"%(text)s" is not a day such as 5#3 (the third Friday)') % {"text": item})
    if not 1 <= int(match[2]) <= 5:
        raise WEEKDAY.refuse(_("#%(number)s is not between #1 and #5") % {"number": match[2]})
    return f"{WEEKDAY.number(match[1]) % 7}#{int(match[2])}"


def _listed(values: frozenset[int], field: Field) -> str:
    return "*" if len(values) == field.size else ",".join(map(str, sorted(values)))
