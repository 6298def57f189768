"""Errors of the registry; each surface renders them in its own format, with this status."""

from __future__ import annotations

from typing import ClassVar

from django.utils.functional import Promise


class Refusal(Exception):
    """Nothing was changed. `text` is for people, in the reader's language."""

    status: ClassVar[int] = 400

    def __init__(self, text: str | Promise) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return str(self.text)


class Refused(Refusal):
    """A rule of the registry is against it."""


class Unknown(Refusal):
    """There is nothing of this code or id."""

    status = 404


class Taken(Refusal):
    """There is one of this code already."""

    status = 409


class Changed(Refusal):
    """The row changed since the user read it; `version` is its current version."""

    status = 409

    def __init__(self, text: str | Promise, version: str) -> None:
        super().__init__(text)
        self.version = version


class Invalid(Refusal):
    """A field that makes no sense; `field` is its name on the wire."""

    status = 422

    def __init__(self, field: str, text: str | Promise) -> None:
        super().__init__(text)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"
