"""What is said when a schedule cannot be accepted."""

from __future__ import annotations

from typing import Literal

ScheduleField = Literal["expression", "timezone", "day_rule", "every", "at"]


class ScheduleError(ValueError):
    """A schedule to be corrected: `str(error)` is the sentence to show, `field` the input it belongs to."""

    def __init__(self, message: str, field: ScheduleField = "expression") -> None:
        super().__init__(message)
        self.field: ScheduleField = field


class NeverFires(ScheduleError):
    """A well-formed cron expression without a matching date in the next five years, such as 31 February."""
