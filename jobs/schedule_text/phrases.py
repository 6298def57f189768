"""A schedule in whole phrases of the catalog, for languages other than English: each puts them together by its own grammar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.schedule.cron import HOUR, MINUTE, MONTH, MONTH_DAY, WEEKDAY, DayRule, Field
from scheduler_site.lib.text import enumerated

# More times of day than these are told by their minutes and hours.
MOST_TIMES = 6


def cron(fields: Sequence[str], day_rule: DayRule) -> str:
    """The phrases for five normalised fields; an empty text where none would be true (`L` or `#` in a list)."""
    minute, hour, day, month, weekday = fields
    if {"L", "#"} & set(day + weekday) and ("," in day + weekday or ("#" in day and weekday != "*")):
        return ""
    if "#" in day:
        day, weekday = "*", day
    either = day_rule == "either" and not (day.startswith("*") or weekday.startswith("*"))
    days, (time, often) = _days(_month_days(day), _weekdays(weekday), either), _time(minute, hour)
    months = MONTH.values(month)
    values = {"days": days or _("every day"), "time": time}
    if len(months) == MONTH.size:
        # What comes every few minutes needs no “every day”.
        return time if often and not days else _("%(days)s, %(time)s") % values
    names = enumerated(MONTHS[number] for number in sorted(months))
    return _("in %(months)s: %(days)s, %(time)s") % {**values, "months": names}


def every(period: timedelta) -> str:
    """`every 1 hour 30 minutes`."""
    days, seconds = period.days, period.seconds + period.microseconds / 1e6
    hours, minutes = int(seconds // 3600), int(seconds // 60 % 60)
    parts = (
        (days, ngettext("%(count)s day", "%(count)s days", days)),
        (hours, ngettext("%(count)s hour", "%(count)s hours", hours)),
        (minutes, ngettext("%(count)s minute", "%(count)s minutes", minutes)),
        (seconds % 60, ngettext("%(count)s second", "%(count)s seconds", math.ceil(seconds % 60))),
    )
    said = " ".join(text % {"count": f"{count:g}"} for count, text in parts if count)
    return _("every %(period)s") % {"period": said}


def once(time: str, zone: str) -> str:
    return _("once, at %(time)s (%(zone)s)") % {"time": time, "zone": zone}


def _time(minute: str, hour: str) -> tuple[str, bool]:
    """The times of a day; whether they are told by how often they come."""
    minutes, hours = MINUTE.values(minute), HOUR.values(hour)
    if len(minutes) * len(hours) <= MOST_TIMES:
        return _("at %(times)s") % {
            "times": enumerated(f"{one:02}:{other:02}" for one in sorted(hours) for other in sorted(minutes))
        }, False
    if len(minutes) == MINUTE.size:
        often = _("every minute")
    elif minute.startswith("*/") and "," not in minute and MINUTE.size % int(minute[2:]) == 0:
        often = _("every %(count)s minutes") % {"count": minute[2:]}
    else:
        often = _("at minute %(minutes)s of the hour") % {"minutes": _ranges(minutes)}
    if len(hours) == HOUR.size:
        return often, True
    return _("%(often)s, in hour %(hours)s") % {"often": often, "hours": _ranges(hours)}, True


def _days(days: str, weekdays: str, either: bool) -> str:
    """An empty text stands for every day."""
    if either and not (days and weekdays):
        days = weekdays = ""
    if days and weekdays:
        both = _("%(days)s, or %(weekdays)s") if either else _("%(days)s, and only %(weekdays)s")
        return both % {"days": days, "weekdays": weekdays}
    return days or weekdays


def _month_days(text: str) -> str:
    if text == "L":
        return _("on the last day of the month")
    return _ranged(text, MONTH_DAY, _("on day %(days)s of the month"), "days")


def _weekdays(text: str) -> str:
    if "#" in text:
        day, _sharp, number = text.partition("#")
        (found,) = WEEKDAY.values(day)
        if number == "L":
            return _("on the last %(weekday)s of the month") % {"weekday": _weekday(found)}
        return _("on %(weekday)s number %(number)s of the month") % {
            "weekday": _weekday(found),
            "number": number,
        }
    found_days = WEEKDAY.values(text)
    if len(found_days) == WEEKDAY.size:
        return ""
    # Monday first: a week from Monday to Friday is easily seen.
    names = enumerated(_weekday(number) for number in sorted(found_days, key=lambda number: (number - 1) % 7))
    return _("on %(weekdays)s") % {"weekdays": names}


def _ranged(text: str, field: Field, phrase: str, name: str) -> str:
    values = field.values(text)
    return "" if len(values) == field.size else phrase % {name: _ranges(values)}


def _weekday(number: int) -> str:
    """Cron counts from Sunday, Django from Monday."""
    return str(WEEKDAYS[(number - 1) % 7])


def _ranges(values: frozenset[int]) -> str:
    """`1-5, 9`: neighbours as ranges."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return enumerated(f"{run[0]}-{run[-1]}" if len(run) > 2 else enumerated(run) for run in runs)
