"""A schedule in words of the active language; where the words would not be true, the expression itself."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from cron_descriptor import ExpressionDescriptor, Options
from cron_descriptor.Exception import FormatException, MissingFieldException, WrongArgumentException
from cron_descriptor.ExpressionParser import ExpressionParser
from cron_descriptor.GetText import GetText
from django.utils.text import capfirst
from django.utils.translation import get_language

from jobs.schedule.cron import (
    HOUR,
    MINUTE,
    MONTH,
    MONTH_DAY,
    STORED_LENGTH,
    WEEKDAY,
    DayRule,
    Field,
    normalise,
)
from jobs.schedule.due_times import Cron, Interval, Once, Schedule
from jobs.schedule.wall_clock import zone
from jobs.schedule_text import phrases

# Wordings of so many expressions are remembered: about 20 MB.
KEPT = 50_000
_UNITS = (("week", 7 * 86_400), ("day", 86_400), ("hour", 3600), ("minute", 60))


def in_words(schedule: Schedule, timezone: str = "UTC") -> str:
    """`At 02:30 (Europe/Berlin)`, `Every 15 minutes`, `Once, at 2026-03-29 03:00 (UTC)`.

    `timezone` is the zone in which a single time is shown; raises ScheduleError for an unknown one.
    """
    if not (get_language() or "en").startswith("en"):
        return _translated(schedule, timezone)
    match schedule:
        case Cron():
            return f"{_cron(schedule.expression, schedule.day_rule)} ({schedule.timezone})"
        case Interval():
            return f"Every {_period(schedule.every)}"
        case Once():
            return f"Once, at {_moment(schedule, timezone)} ({timezone})"


def _translated(schedule: Schedule, timezone: str) -> str:
    match schedule:
        case Cron():
            fields = normalise(schedule.expression, STORED_LENGTH).split(" ")
            said = phrases.cron(fields, schedule.day_rule) or schedule.expression
            return f"{said} ({schedule.timezone})"
        case Interval():
            return phrases.every(schedule.every)
        case Once():
            return phrases.once(_moment(schedule, timezone), timezone)


def _moment(schedule: Once, timezone: str) -> str:
    """With its seconds where it has some."""
    at = schedule.at.astimezone(zone(timezone))
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second else f"{at:%Y-%m-%d %H:%M}"


def _period(every: timedelta) -> str:
    """The largest units first; a single one goes without its number: `hour`, `1 hour 30 minutes`."""
    parts, rest = [], every.total_seconds()
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(_counted(count, unit))
    if rest:
        parts.append(_counted(rest, "second"))
    return parts[0].removeprefix("1 ") if len(parts) == 1 else " ".join(parts)


def _counted(count: float, unit: str) -> str:
    return f"{count:g} {unit}" if count == 1 else f"{count:g} {unit}s"


@lru_cache(maxsize=KEPT)
def _cron(expression: str, day_rule: DayRule) -> str:
    """Wording an expression takes longer than reading its row, and a list words thousands."""
    minute, hour, day, month, weekday = normalise(expression, STORED_LENGTH).split(" ")
    if "#" in day and weekday == "*" and day.endswith("#L"):  # cron_descriptor knows no last Friday
        return capfirst(phrases.cron((minute, hour, day, month, weekday), day_rule)) or expression
    if "#" in day and weekday != "*":
        return expression
    if "#" in day:
        # The third Friday of the month, in the field in which cron_descriptor knows it.
        day, weekday = "*", day
    if {"L", "#"} & set(day + weekday) and "," in day + weekday:
        return expression  # cron_descriptor garbles lists of these
    either = day_rule == "either" and not (day.startswith("*") or weekday.startswith("*"))
    minute, hour, month = _spelt(minute, MINUTE), _spelt(hour, HOUR), _spelt(month, MONTH)
    if minute.isdigit() and "-" in hour:  # "between 09:00 and 17:59" would hide that it is hourly
        hour = ",".join(map(str, sorted(HOUR.values(hour))))
    day = day if day == "L" else _spelt(day, MONTH_DAY)
    weekday = weekday if "#" in weekday else _spelt(weekday, WEEKDAY)
    try:
        if either and "*" in (day, weekday):  # 1-31 or 0-6: one field alone matches every day
            day = weekday = "*"
        elif either:
            return _either(minute, hour, day, month, weekday)
        return _described(minute, hour, day, month, weekday)
    except (FormatException, MissingFieldException, WrongArgumentException):
        return expression


def _spelt(text: str, field: Field) -> str:
    """Steps as the values they give: `*/45` is not "every 45 minutes" but 0 and 45."""
    values = field.values(text)
    if len(values) == field.size:
        return "*"
    if len(values) == 1:
        return str(*values)
    even = text.startswith("*/") and "," not in text and field.size % int(text[2:]) == 0
    if even or not {"*", "/"} & set(text):
        return text
    return ",".join(map(str, sorted(values)))


def _either(minute: str, hour: str, day: str, month: str, weekday: str) -> str:
    """cron_descriptor words two restricted day fields as "and"; cron means "or"."""
    time = _described(minute, hour, "*", "*", "*")
    by_day, by_weekday, by_month = (
        _described(minute, hour, *rest).removeprefix(time).removeprefix(", ")
        for rest in ((day, "*", "*"), ("*", "*", weekday), ("*", month, "*"))
    )
    words = f"{time}, {by_day} or {by_weekday.removeprefix('only ')}"
    return f"{words}, {by_month}" if by_month else words


def _described(*fields: str) -> str:
    return str(_Descriptor(" ".join(fields)).get_description())


def _english() -> Options:
    options = Options()
    options.locale_code = "en_US"  # its default is the locale of the process
    options.use_24hour_time_format = True
    return options


OPTIONS = _english()
TEXTS = GetText(OPTIONS.locale_code)


class _Descriptor(ExpressionDescriptor):  # type: ignore[misc]  # untyped library
    """The library's own reads the file of its texts anew for each expression."""

    def __init__(self, expression: str) -> None:
        self._expression, self._options, self.get_text = expression, OPTIONS, TEXTS
        self._expression_parts = ExpressionParser(expression, OPTIONS).parse()
