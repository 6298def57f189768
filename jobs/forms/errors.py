"""What is told of a value that is refused."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What is told of a field that is refused."""

    label: str
    message: str


class Unreadable(ValueError):
    """Why a value is refused; `label` where it is not simply "Invalid <field>"."""

    def __init__(self, message: str, label: str = "") -> None:
        super().__init__(message)
        self.label = label
