"""How times and schedules are shown: in the job's zone, with UTC in the title."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from django import template
from django.conf import settings
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from jobs import schedule, schedule_text
from jobs.models import Job
from jobs.schedule import ScheduleError
from scheduler_site.lib import text
from scheduler_site.lib.clock import shown

register = template.Library()


@register.filter
def zone_of(job: Job | None) -> str:
    """The zone a job's times are shown in; the scheduler's, where the job names none or one that is unknown."""
    name = job.timing.timezone if job else ""
    try:
        return schedule.zone(name).key if name else settings.SCHEDULER_TIMEZONE
    except ScheduleError:
        return settings.SCHEDULER_TIMEZONE


def in_words(job: Job) -> str:
    """The schedule of a job as a sentence; what is wrong with it, when it cannot be read."""
    try:
        found = job.timing.schedule()
        return schedule_text.in_words(found, zone_of(job)) if found else _("Manual only")
    except ScheduleError as error:
        return str(error)


@register.filter
def state_of(job: Job) -> str:
    """One of broken, suspended, paused, ended, manual, active."""
    if job.quarantine_reason:
        return "broken"
    if job.code_suspended:
        return "suspended"
    if not job.timing.enabled:
        return "paused"
    if job.has_ended:
        return "ended"
    return "manual" if job.timing.kind == "none" else "active"


@register.simple_tag
def due_after(job: Job, moment: dt.datetime) -> dt.datetime | None:
    """The first due time of a job's schedule after `moment`, paused or not; none when it cannot be read."""
    try:
        found = job.timing.schedule(job.end_date)
        return found.next_after(moment) if found else None
    except ScheduleError:
        return None


@register.simple_tag
def moment(value: dt.datetime | None, zone: str = "") -> SafeString | str:
    """A time element: local to `zone` in the text, UTC in the title and for machines."""
    if value is None:
        return ""
    utc = value.astimezone(dt.UTC)
    local = utc.astimezone(schedule.zone(zone or settings.SCHEDULER_TIMEZONE))
    return format_html(
        '<time datetime="{}" title="{} UTC">{} {}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        f"{utc:%Y-%m-%d %H:%M:%S}",
        f"{local:%Y-%m-%d %H:%M:%S}",
        local.tzname(),
    )


@register.filter
def minute(value: dt.datetime, zone: str = "") -> str:
    """`2026-03-29 03:00` in `zone` (the scheduler's by default), where there is no room for more."""
    return f"{value.astimezone(schedule.zone(zone or settings.SCHEDULER_TIMEZONE)):%Y-%m-%d %H:%M}"


@register.filter
def weekday(value: dt.datetime, zone: str = "") -> str:
    """`Mon`, in `zone` (the scheduler's by default)."""
    local = value.astimezone(schedule.zone(zone or settings.SCHEDULER_TIMEZONE))
    return str(WEEKDAYS_ABBR[local.weekday()])


@register.filter
def distance(value: dt.datetime | None) -> str:
    """How far away a moment is: `in 5 min`, `2 h ago`; in two units at most."""
    if value is None:
        return ""
    seconds = (value - shown()).total_seconds()
    time = {"time": duration(abs(seconds))}
    return _("in %(time)s") % time if seconds > 0 else _("%(time)s ago") % time


@register.filter
def elapsed(value: dt.datetime) -> str:
    """The time since a moment."""
    return duration(shown() - value)


@register.filter
def duration(value: float | dt.timedelta | None) -> str:
    """Seconds as a person says them: `0.24 s`, `3 min 5 s`, `2 h 10 min`, `4 d 2 h`."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, dt.timedelta) else float(value)
    if seconds < 60:
        return _("%(count)s s") % {"count": f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"}
    total = round(seconds)
    parts = (
        (total // 86400, _("d")),
        (total // 3600 % 24, _("h")),
        (total // 60 % 60, _("min")),
        (total % 60, _("s")),
    )
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2])


@register.simple_tag
def enumerated(*parts: str) -> str:
    """Those that are something, one after the other, as the language separates them."""
    # Escaped here, where it is known which of them are: `{% translate ... as %}` hands over what is escaped already.
    return mark_safe(text.enumerated(conditional_escape(part) for part in parts if part))  # noqa: S308


@register.filter
def listed(parts: Iterable[object]) -> str:
    """A list in one line, as the language separates its items."""
    return text.enumerated(parts)


@register.filter
def as_json(value: Any) -> str:
    """A JSON value to be read by people."""
    return json.dumps(value, indent=2, ensure_ascii=False)
