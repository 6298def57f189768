"""What the schedule builder can say, as cron expressions and back: `every weekday at 08:30`, `every 15 minutes`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from jobs.schedule.cron import WEEKDAYS, normalise
from jobs.schedule.errors import ScheduleError

Rhythm = Literal["minutes", "hours", "daily", "weekly", "monthly", "position"]
# Steps that divide an hour or a day: with others the last distance is shorter, which surprises.
MINUTE_STEPS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
HOUR_STEPS = (1, 2, 3, 4, 6, 8, 12)
LAST = "last"
POSITIONS = ("1", "2", "3", "4", "5", LAST)

_TIME = r"(?P<minute>[0-9]{1,2}) (?P<hour>[0-9]{1,2})"
_FORMS: tuple[tuple[Rhythm, re.Pattern[str]], ...] = (
    ("minutes", re.compile(r"\*(?:/(?P<step>[0-9]{1,2}))? \* \* \* \*")),
    ("hours", re.compile(r"(?P<minute>[0-9]{1,2}) \*(?:/(?P<step>[0-9]{1,2}))? \* \* \*")),
    ("daily", re.compile(rf"{_TIME} \* \* \*")),
    ("weekly", re.compile(rf"{_TIME} \* \* (?P<weekdays>[a-z0-7,-]+)")),
    ("position", re.compile(rf"{_TIME} (?P<weekday>[a-z]{{3}})#(?P<position>[1-5L]) \* \*")),
    ("position", re.compile(rf"{_TIME} \* \* (?P<weekday>[a-z]{{3}}|[0-7])#(?P<position>[1-5])")),
    ("monthly", re.compile(rf"{_TIME} (?P<day>[0-9]{{1,2}}|L) \* \*")),
)


@dataclass(frozen=True)
class Plan:
    """`rhythm` says which of the others count. Weekdays count from Sunday, 0, as in cron.

    `minutes`: every `step` minutes. `hours`: every `step` hours at `minute`. All others at `hour`:`minute`: `weekly` on
    `weekdays`; `monthly` on day `day`, `1` to `31` or `last`; `position` on the `position` `weekday` of a month, `1` to `5`
    or `last`.
    """

    rhythm: Rhythm
    minute: int = 0
    hour: int = 0
    step: int = 1
    weekdays: tuple[int, ...] = ()
    day: str = "1"
    position: str = "1"
    weekday: int = 1


def written(plan: Plan) -> str:
    """The expression of a plan whose values are in their bounds."""
    step = f"*/{plan.step}" if plan.step > 1 else "*"
    at = f"{plan.minute} {plan.hour}"
    if plan.rhythm == "minutes":
        return f"{step} * * * *"
    if plan.rhythm == "hours":
        return f"{plan.minute} {step} * * *"
    if plan.rhythm == "daily":
        return f"{at} * * *"
    if plan.rhythm == "weekly":
        return f"{at} * * {_listed(plan.weekdays)}"
    if plan.rhythm == "monthly":
        return f"{at} {'L' if plan.day == LAST else plan.day} * *"
    return f"{at} {WEEKDAYS[plan.weekday]}#{'L' if plan.position == LAST else plan.position} * *"


def read(expression: str) -> Plan | None:
    """The plan that an expression is written by; None where the builder cannot say it."""
    try:
        text = normalise(expression)
    except ScheduleError:
        return None
    for rhythm, form in _FORMS:
        if match := form.fullmatch(text):
            return _plan(rhythm, match.groupdict())
    return None


def _plan(rhythm: Rhythm, found: dict[str, str | None]) -> Plan | None:
    minute, hour, step = (int(found.get(name) or 0) for name in ("minute", "hour", "step"))
    weekdays = _weekdays(found["weekdays"] or "") if "weekdays" in found else ()
    single = _weekdays(found["weekday"] or "") if "weekday" in found else (1,)
    day, position = found.get("day") or "1", found.get("position") or "1"
    plan = Plan(
        rhythm,
        minute,
        hour,
        step or 1,
        weekdays or (),
        LAST if day == "L" else str(int(day)),
        LAST if position == "L" else position,
        single[0] if single else 1,
    )
    steps = {"minutes": MINUTE_STEPS, "hours": HOUR_STEPS}.get(rhythm, (1,))
    fine = minute < 60 and hour < 24 and plan.step in steps
    fine = fine and (plan.day == LAST or 1 <= int(plan.day) <= 31)
    return plan if fine and weekdays is not None and single is not None else None


def _weekdays(text: str) -> tuple[int, ...] | None:
    """`mon-fri,0` as numbers, in order; None for what is no list of weekdays."""
    found: set[int] = set()
    for item in text.split(","):
        first, sign, last = item.partition("-")
        numbers = [_weekday(word) for word in (first, last or first)]
        if None in numbers or (sign and not last):
            return None
        low, high = (number for number in numbers if number is not None)
        if low > high:
            return None
        found |= {number % 7 for number in range(low, high + 1)}
    return tuple(sorted(found))


def _weekday(word: str) -> int | None:
    if word in WEEKDAYS:
        return WEEKDAYS.index(word)
    return int(word) if re.fullmatch("[0-7]", word) else None


def _listed(weekdays: Iterable[int]) -> str:
    """`mon-fri`, `mon,thu`: Monday first, three neighbours or more as a range; all of them as `*`."""
    order = sorted({number % 7 for number in weekdays}, key=lambda number: (number - 1) % 7)
    if len(order) in (0, 7):
        return "*"
    if order == [6, 0]:
        return "sat,sun"
    runs: list[list[int]] = []
    for number in order:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = (
        f"{WEEKDAYS[run[0]]}-{WEEKDAYS[run[-1]]}" if len(run) > 2 else ",".join(WEEKDAYS[one] for one in run)
        for run in runs
    )
    return ",".join(parts)
