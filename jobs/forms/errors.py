"""Errors of values that are refused."""

from __future__ import annotations

from typing import NamedTuple

from django.core.exceptions import ValidationError


class FieldError(NamedTuple):
    """The error of a field: a short label and a message."""

    label: str
    message: str


class InvalidPayload(ValueError):
    """Why a value is refused; `label` where it is not simply "Invalid <field>"."""

    def __init__(self, message: str, label: str = "") -> None:
        super().__init__(message)
        self.label = label


class OptionError(ValidationError):
    """Why one of a job's options is refused. As an error of the field `options` it is told with the option's name before it."""

    def __init__(self, option: str, reason: str) -> None:
        super().__init__("%(option)s: %(reason)s", code="option", params={"option": option, "reason": reason})
        self.option = option
        self.reason = reason
