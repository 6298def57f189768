"""Reads the pickled jobs of APScheduler's job store without running anything that is in them.

A pickle may name any class or function and have it called. Here the few names that a stored job needs become inert records of
what they were given, and every other name is refused.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from compat.ndscheduler.cron import POSITIONS, WEEKDAYS
from jobs.schedule.cron import MONTHS

LARGEST = 1024 * 1024  # bytes
_EXPRESSIONS = (
    "AllExpression",
    "RangeExpression",
    "MonthRangeExpression",
    "WeekdayRangeExpression",
    "WeekdayPositionExpression",
    "LastDayOfMonthExpression",
)
_FIELDS = ("BaseField", "WeekField", "DayOfMonthField", "DayOfWeekField", "MonthField")
KNOWN = (
    {("apscheduler.triggers.cron.expressions", name) for name in _EXPRESSIONS}
    | {("apscheduler.triggers.cron.fields", name) for name in _FIELDS}
    | {("datetime", name) for name in ("datetime", "timedelta", "timezone", "date")}
    | {("pytz", name) for name in ("_p", "_UTC", "UTC")}
    | {("pytz.tzinfo", name) for name in ("StaticTzInfo", "DstTzInfo")}
    # Zones are made by a method of their class, which is looked up by `getattr`: here a name like the others.
    | {("zoneinfo", "ZoneInfo"), ("backports.zoneinfo", "ZoneInfo"), ("builtins", "getattr")}
    | {("dateutil.tz.tz", "tzutc"), ("dateutil.tz", "tzutc")}
    | {
        ("apscheduler.triggers.cron", "CronTrigger"),
        ("apscheduler.triggers.interval", "IntervalTrigger"),
        ("apscheduler.triggers.date", "DateTrigger"),
    }
)


class Unreadable(ValueError):
    """Why a stored job cannot be read."""


class Record:
    """What a class or a function was given; nothing else happens."""

    name = ""

    def __new__(cls, *args: Any, **_options: Any) -> Record:
        record = super().__new__(cls)
        record.args, record.state = args, {}
        return record

    args: tuple[Any, ...]
    state: dict[str, Any]

    def __init__(self, *args: Any, **_options: Any) -> None: ...

    def __call__(self, *args: Any) -> Record:
        """What was looked up is called: noted as well."""
        return type(self)(*args)

    def __setstate__(self, state: Any) -> None:
        # Of objects with slots a pair; the second one holds the slots.
        parts = state if isinstance(state, tuple) else (state,)
        self.state = {name: part[name] for part in parts if isinstance(part, dict) for name in part}


class _Reader(pickle._Unpickler):
    """The one written in Python: the other sets aside as much memory as a pickle says."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise Unreadable(f"it names {module}.{name}, which no stored job needs")
        return type(name, (Record,), {"name": name})

    def persistent_load(self, _pid: Any) -> Any:
        raise Unreadable("it refers to something outside")


def read(data: bytes) -> dict[str, Any]:
    """The state of a stored job. Raises Unreadable."""
    if len(data) > LARGEST:
        raise Unreadable(f"it is larger than {LARGEST} bytes")
    try:
        state = _Reader(io.BytesIO(data)).load()
    except Unreadable:
        raise
    except Exception as error:  # a damaged pickle may fail in any way
        raise Unreadable(f"it is damaged ({type(error).__name__})") from error
    if not isinstance(state, dict):
        raise Unreadable("it is no job")
    return state


def cron_fields(trigger: Any) -> dict[str, str]:
    """The texts of a trigger's fields by name. Raises Unreadable for other triggers."""
    if not isinstance(trigger, Record) or trigger.name != "CronTrigger":
        kind = trigger.name if isinstance(trigger, Record) else type(trigger).__name__
        raise Unreadable(f"its trigger is no CronTrigger but {kind}")
    for name in ("start_date", "end_date", "jitter"):
        if trigger.state.get(name) is not None:
            raise Unreadable(f"its trigger has a {name}")
    fields = trigger.state.get("fields")
    if not isinstance(fields, list | tuple):
        raise Unreadable("its trigger has no fields")
    return {
        str(field.state["name"]): ",".join(map(_expression, field.state["expressions"])) for field in fields
    }


def timezone(trigger: Any) -> str:
    """The name of a trigger's time zone. Raises Unreadable."""
    zone = trigger.state.get("timezone")
    if isinstance(zone, Record):
        if zone.name in ("_UTC", "UTC", "tzutc"):
            return "UTC"
        if zone.args and isinstance(zone.args[0], str):
            return zone.args[0]
        if zone.name == "timezone" and not any(zone.args[0].args):
            return "UTC"
    raise Unreadable("its time zone has no name")


# By the number of a value.
_NAMES = {"WeekdayRangeExpression": WEEKDAYS, "MonthRangeExpression": ("", *MONTHS)}


def _expression(one: Any) -> str:
    state = one.state
    if one.name == "LastDayOfMonthExpression":
        return "last"
    if one.name == "WeekdayPositionExpression":
        return f"{POSITIONS[state['option_num']]} {WEEKDAYS[state['weekday']]}"
    step = f"/{state['step']}" if state.get("step") else ""
    if one.name == "AllExpression":
        return f"*{step}"
    first, last = state["first"], state.get("last")
    single = last == first or last is None
    if one.name in _NAMES:
        names = _NAMES[one.name]
        return names[first] if single else f"{names[first]}-{names[last]}"
    return f"{first}{step}" if single else f"{first}-{last}{step}"
