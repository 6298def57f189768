"""From the fields of the form to a schedule, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from jobs import schedule
from jobs.models import stored_schedule
from jobs.models.stored_schedule import Timing
from jobs.schedule import DayRule, Interval, ScheduleError
from jobs.schedule.errors import ScheduleField
from scheduler_site.lib import clock

# The fields of a schedule, and those that each kind of it is made of.
SCHEDULE = ("expression", "timezone", "day_rule", "every", "period", "at")
SCHEDULE_OF: dict[str, tuple[str, ...]] = {
    "cron": ("expression", "timezone", "day_rule"),
    "interval": ("every", "period"),
    "once": ("at", "timezone"),
    "none": (),
}
# Those beside which it is told what is wrong with a schedule.
FAULTY = ("expression", "timezone", "every", "at")
# How a browser writes and reads the time of a form.
MOMENT = "%Y-%m-%dT%H:%M:%S"
Date = TypeVar("Date", dt.date, dt.datetime)


def in_reach(value: Date | None) -> Date | None:
    """A date that can be converted between time zones: `datetime` ends with the year 9999."""
    if value and not 1971 <= value.year <= 9000:
        raise ValidationError(_("Choose a year from 1971 to 9000."))
    return value


def entered(kind: str, cleaned: Mapping[str, Any], old: Timing | None) -> Timing:
    """The schedule of a form's checked values; `old` is that of a stored job. Raises ScheduleError, which names the field."""
    timing = _read(kind, cleaned, old)
    if old is None or timing.kind != old.kind:
        return timing
    # Bounds that no surface shows stay as they are; the start of an interval is its grid.
    return replace(timing, start=timing.start if kind == "interval" else old.start, expires=old.expires)


def _read(kind: str, cleaned: Mapping[str, Any], old: Timing | None) -> Timing:
    enabled = old is None or old.enabled
    if kind == "none":
        return Timing()
    now = clock.now()
    zone = schedule.zone(cleaned.get("timezone") or settings.SCHEDULER_TIMEZONE)
    rule: DayRule = "both" if cleaned.get("day_rule") == "both" else "either"
    if kind == "cron":
        expression = _needed(cleaned, "expression")
        cron = schedule.parse_cron(expression, zone.key, rule, now=now)
        return Timing("cron", cron.expression, zone.key, rule, enabled=enabled)
    if kind == "interval":
        return _interval(cleaned, old, now, enabled)
    return _once(cleaned, zone, old, now, enabled)


def _needed(cleaned: Mapping[str, Any], name: ScheduleField) -> Any:
    if not (value := cleaned.get(name)):
        raise ScheduleError(str(_("This field is required.")), field=name)
    return value


def _interval(cleaned: Mapping[str, Any], old: Timing | None, now: dt.datetime, enabled: bool) -> Timing:
    every, period = _needed(cleaned, "every"), cleaned.get("period") or "minutes"
    same = old is not None and old.kind == "interval" and (old.every, old.period) == (every, period)
    # The grid stays where it is as long as the interval does.
    anchor = old.start if same and old else now.replace(microsecond=0)
    Interval(dt.timedelta(seconds=every * stored_schedule.PERIODS[period]), anchor=anchor or now)
    return Timing("interval", every=every, period=period, start=anchor, enabled=enabled)


def _once(
    cleaned: Mapping[str, Any], zone: ZoneInfo, old: Timing | None, now: dt.datetime, enabled: bool
) -> Timing:
    at = _moment(_needed(cleaned, "at"), zone, old, now)
    same = old is not None and (old.at, old.timezone) == (at, "") and zone.key == settings.SCHEDULER_TIMEZONE
    return Timing("once", timezone="" if same else zone.key, at=at, enabled=enabled)


def _moment(at: dt.datetime, zone: ZoneInfo, old: Timing | None, now: dt.datetime) -> dt.datetime:
    # The form field has read the text in the active zone (UTC); the digits were meant in the job's zone.
    moment = at.replace(tzinfo=zone).astimezone(dt.UTC)
    unchanged = old is not None and old.at == moment
    if moment <= now and not unchanged:
        raise ScheduleError(str(_("This time has passed already.")), field="at")
    return moment


def schedule_data(timing: Timing) -> dict[str, Any]:
    """A schedule as the form's fields."""
    name = timing.timezone or settings.SCHEDULER_TIMEZONE
    data: dict[str, Any] = {
        "schedule_kind": timing.kind,
        "expression": timing.expression,
        "timezone": name,
        "day_rule": timing.day_rule,
        "every": timing.every or None,
        "period": timing.period,
    }
    if timing.at:
        data["at"] = timing.at.astimezone(ZoneInfo(name)).replace(tzinfo=None)
    return data
