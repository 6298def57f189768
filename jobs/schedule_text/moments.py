"""Moments as lists show them: how far away first, then the weekday and the time, all in one zone and seen from one `now`.

Seconds are said only below a minute. Whoever needs them finds them in the title, with UTC.
"""

from __future__ import annotations

import datetime as dt
from functools import cached_property

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from jobs.schedule import zone

MINUTE, HOUR, DAY = 60, 3600, 86_400
# Within so many days a weekday says which day is meant.
NEAR = 6


class Moments:
    """One for a page: a list of them is formatted in one pass."""

    def __init__(self, zone_name: str, now: dt.datetime) -> None:
        self.zone_name, self.now = zone_name, now
        self._zone = zone(zone_name)
        self._today = now.astimezone(self._zone).date()

    @cached_property
    def _weekdays(self) -> list[str]:
        return [str(WEEKDAYS_ABBR[day]) for day in range(7)]

    @cached_property
    def _units(self) -> tuple[tuple[int, str], ...]:
        return (DAY, _("d")), (HOUR, _("h")), (MINUTE, _("min"))

    def distance(self, value: dt.datetime) -> str:
        """`in 5 min`, `3 h ago`, `in 20 s`; in one unit."""
        seconds = (value - self.now).total_seconds()
        time = self._span(abs(seconds))
        return _("in %(time)s") % {"time": time} if seconds > 0 else _("%(time)s ago") % {"time": time}

    def _span(self, seconds: float) -> str:
        for size, unit in self._units:
            if seconds >= size:
                # Below two of a unit its half counts: 1 h is not 1 h 50 min.
                whole, rest = divmod(seconds, size)
                if whole < 3 and size > MINUTE:
                    smaller, name = (HOUR, self._units[1][1]) if size == DAY else (MINUTE, self._units[2][1])
                    if more := int(rest // smaller):
                        return f"{int(whole)} {unit} {more} {name}"
                return f"{int(whole)} {unit}"
        return _("%(count)s s") % {"count": int(seconds)}

    def day(self, value: dt.datetime) -> str:
        """`Sun 03:00`; with the date where a weekday alone does not say which day it is."""
        local = value.astimezone(self._zone)
        weekday = self._weekdays[local.weekday()]
        if abs((local.date() - self._today).days) <= NEAR:
            return f"{weekday} {local:%H:%M}"
        return f"{weekday} {local:%Y-%m-%d %H:%M}"

    def clock(self, value: dt.datetime) -> str:
        """`03:00`."""
        return f"{value.astimezone(self._zone):%H:%M}"

    def both(self, value: dt.datetime | None) -> SafeString:
        """How far away, and when: a time element for machines, with UTC and seconds in its title."""
        if value is None:
            return mark_safe("")
        return self._element(value, self.distance(value), self.day(value))

    def when(self, value: dt.datetime | None) -> SafeString:
        """The weekday and the time alone; how far away is in the title."""
        return mark_safe("") if value is None else self._element(value, self.day(value), "")

    def _element(self, value: dt.datetime, first: str, second: str) -> SafeString:
        utc = f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
        text = (
            f'<b>{escape(first)}</b> <span class="soft">{escape(second)}</span>' if second else escape(first)
        )
        # Texts are escaped, the rest is numbers.
        return mark_safe(f'<time datetime="{utc.replace(" ", "T")}Z" title="{utc} UTC">{text}</time>')  # noqa: S308
