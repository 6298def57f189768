"""Parameters of the query, declared once: what the API's document says of them, and how they are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from scheduler_site.rest.errors import ApiError
from scheduler_site.rest.query import boolean, integer

Schema = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter; `rules` are further keywords of JSON Schema."""

    name: str
    about: str
    rules: Schema = field(default_factory=dict, kw_only=True)

    @property
    def schema(self) -> Schema:
        return {"type": "string"} | self.rules


@dataclass(frozen=True)
class Text(Parameter):
    def of(self, params: Mapping[str, str]) -> str:
        """Without spaces around it; empty where it is not given."""
        return (params.get(self.name) or "").strip()


@dataclass(frozen=True)
class Words(Text):
    """Some words, separated by commas; `known` where only these match anything."""

    known: Collection[str] = field(default=(), kw_only=True)

    def unknown(self, params: Mapping[str, str]) -> set[str]:
        return self.all_of(params) - set(self.known) if self.known else set()

    def all_of(self, params: Mapping[str, str]) -> set[str]:
        return {word for part in self.of(params).split(",") if (word := part.strip())}


@dataclass(frozen=True)
class Integer(Parameter):
    """A whole number from `low` to `high`, both inclusive; without `default` it may be left out."""

    default: int | None = None
    low: int = 1
    high: int | None = None

    @property
    def schema(self) -> Schema:
        bounds = {"minimum": self.low, "maximum": self.high, "default": self.default}
        return {"type": "integer"} | {key: bound for key, bound in bounds.items() if bound is not None}

    def of(self, params: Mapping[str, str]) -> int:
        """422 when it is none, or out of bounds; what is not given is the default, or 0."""
        return integer(params, self.name, self.default or 0, low=self.low, high=self.high)


@dataclass(frozen=True)
class Flag(Parameter):
    """A boolean, false where it is not given."""

    @property
    def schema(self) -> Schema:
        return {"type": "boolean", "default": False}

    def of(self, params: Mapping[str, str]) -> bool:
        """422 when it is none."""
        return boolean(params, self.name)


@dataclass(frozen=True)
class Seconds(Parameter):
    """A number of seconds from 0 to `high`."""

    default: int | None = None
    high: int = 60

    @property
    def schema(self) -> Schema:
        usual = {} if self.default is None else {"default": self.default}
        return {"type": "number", "minimum": 0, "maximum": self.high} | usual

    def read(self, value: Any) -> float:
        """Out of the query, or out of a body with the same key. 400."""
        seconds = -1.0
        with suppress(ValueError, OverflowError):
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                seconds = float(value)
        # Also false for NaN.
        if not 0 <= seconds <= self.high:
            text = _("Write a number of seconds from 0 to %(limit)d.") % {"limit": self.high}
            raise ApiError(400, f"Invalid {self.name}", text)
        return seconds


_BOUND = {
    "anyOf": [{"format": "date"}, {"format": "date-time"}, {"pattern": r"^\s*$"}],
    "examples": ["2026-01-02"],
}
PAGE = Integer("page", "The number of the page.", default=1)
# Read by `date_range`.
RANGE = (
    Text(
        "from",
        "The beginning, inclusive: a date (00:00 UTC) or a time (UTC without an offset).",
        rules=_BOUND,
    ),
    Text("to", "The end, exclusive; a date means the whole day.", rules=_BOUND),
)
IF_MATCH = Text(
    "If-Match",
    "The `ETag` of what was read (its `updated_at` in quotes), where only that shall be changed.",
)
CHANGED = {
    412: "It is not as `If-Match` says: somebody else has changed it. Without that header the last change counts."
}
