"""Errors of schedules that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

ScheduleField = Literal["expression", "timezone", "day_rule", "every", "at"]


class Phrase(str):
    """English text that knows of which template and values it was made: `schedule_text.refusals` says it in other languages.

    Imported as `_`, so that it is found by whoever gathers texts; this package itself stays without Django.
    """

    template: str
    values: Mapping[str, Any] | None = None

    def __new__(cls, template: str, values: Mapping[str, Any] | None = None) -> Phrase:
        made = super().__new__(cls, str.__mod__(template, values) if values else template)
        made.template, made.values = str(template), values
        return made

    def __mod__(self, values: Any) -> Phrase:
        return Phrase(self.template, values)


class ScheduleError(ValueError):
    """A schedule to be corrected: `str(error)` is the sentence to show, `field` the input it belongs to."""

    def __init__(self, message: str, field: ScheduleField = "expression") -> None:
        super().__init__(message)
        self.message = message
        self.field: ScheduleField = field


class NeverFires(ScheduleError):
    """A well-formed cron expression without a matching date in the next five years, such as 31 February."""
