"""When is a job due? Pure functions over values: no database, and no clock, since `now` is an argument.

Debian's cron decides what an expression means; `day_rule="both"` serves schedules of systems that AND both
day fields.
"""

from __future__ import annotations

from jobs.schedule.cron import DayRule
from jobs.schedule.due_times import Cron, Interval, Once, Schedule, Slots, parse_cron, slots_between
from jobs.schedule.errors import NeverFires, ScheduleError
from jobs.schedule.wall_clock import zone

__all__ = [
    "Cron",
    "DayRule",
    "Interval",
    "NeverFires",
    "Once",
    "Schedule",
    "ScheduleError",
    "Slots",
    "parse_cron",
    "slots_between",
    "zone",
]
