"""Reads query parameters and writes values in the formats of the REST API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, TypedDict, overload
from uuid import UUID

from scheduler_site.lib import strict_json
from scheduler_site.rest.errors import ApiError, SchemaError
from scheduler_site.rest.schema_types import Rules

# Far beyond any real page, and small enough to be multiplied by a page size in every database.
MAX_INTEGER = 2**31 - 1
UNREADABLE = "cannot be read. Write a date such as 2026-12-31, or a time such as 2026-12-31T08:00:00Z."
# A time of day, and after a blank an offset.
_BLANK_FOR_PLUS = re.compile(
    r"([T ]\d{2}(?::?\d{2}(?::?\d{2}(?:[.,]\d+)?)?)?) (\d{2}(?::?\d{2})?)$", re.ASCII
)


def refuse_odd_texts(params: Mapping[str, Any]) -> None:
    """400 for a parameter that no database could store."""
    for name, values in params.lists() if hasattr(params, "lists") else ():
        if strict_json.problem_of(name):
            raise ApiError(400, "Invalid parameter", "The name of a parameter contains a NUL character.")
        for value in values:
            if problem := strict_json.problem_of(value):
                raise ApiError(400, "Invalid parameter", f"{name} {problem}.")


def integer(
    params: Mapping[str, Any], name: str, default: int, *, low: int = 1, high: int | None = None
) -> int:
    """A whole number; 422 when it is none or out of bounds. Without `high`, huge numbers are capped."""
    text = params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[+-]?[0-9]+", text.strip(), re.ASCII):
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise SchemaError(["query", name], "int_parsing", message, text)
    value = int(text.strip()[:20])
    if value < low:
        message = f"Input should be greater than or equal to {low}"
        raise SchemaError(["query", name], "greater_than_equal", message, text, ge=low)
    if high is not None and value > high:
        message = f"Input should be less than or equal to {high}"
        raise SchemaError(["query", name], "less_than_equal", message, text, le=high)
    return min(value, MAX_INTEGER)


def boolean(params: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """true/false/1/0/yes/no/on/off in any case; 422 for anything else."""
    text = params.get(name)
    if text is None:
        return default
    if (word := text.strip().lower()) in ("true", "1", "yes", "on", "false", "0", "no", "off"):
        return word in ("true", "1", "yes", "on")
    message = "Input should be a valid boolean, unable to interpret input"
    raise SchemaError(["query", name], "bool_parsing", message, text)


Bound = Annotated[str, Rules(format="date-time")]
Range = TypedDict(
    "Range",
    {
        "from": Annotated[Bound | None, "The beginning, inclusive; null when open."],
        "to": Annotated[Bound | None, "The end, exclusive; null when open."],
    },
)
NaiveRange = TypedDict(
    "NaiveRange",
    {
        "from": Annotated[str | None, "The beginning, inclusive; null when open."],
        "to": Annotated[str | None, "The end, exclusive; null when open."],
    },
)
Range.__doc__ = NaiveRange.__doc__ = "How `from` and `to` were understood, in UTC."


@dataclass(frozen=True)
class DateRange:
    """From `start` inclusive to `end` exclusive, both in UTC or open."""

    start: datetime | None = None
    end: datetime | None = None

    def lookups(self, field: str) -> dict[str, datetime]:
        """Keywords for `QuerySet.filter`."""
        bounds = {f"{field}__gte": self.start, f"{field}__lt": self.end}
        return {lookup: moment for lookup, moment in bounds.items() if moment is not None}

    def echo(self, *, offset: bool = True) -> Range:
        """As used, with `+00:00` or without an offset."""
        zone = UTC if offset else None
        return {"from": _iso(self.start, zone), "to": _iso(self.end, zone)}


def _iso(moment: datetime | None, zone: tzinfo | None) -> str | None:
    return moment.replace(tzinfo=zone).isoformat() if moment else None


def date_range(params: Mapping[str, Any]) -> DateRange:
    """The parameters `from` and `to`. A bare date is 00:00 UTC, as `to` the whole day; naive is UTC.

    400 "Invalid date" for what is no date, 400 "Invalid date range" when it is empty.
    """
    start, end = _moment(params, "from"), _moment(params, "to", whole_day=True)
    if start and end and start >= end:
        raise ApiError(400, "Invalid date range", "'from' must be before 'to'.")
    return DateRange(start, end)


def _moment(params: Mapping[str, Any], name: str, *, whole_day: bool = False) -> datetime | None:
    if not (text := (params.get(name) or "").strip()):
        return None
    try:
        moment = datetime.fromisoformat(with_plus(text))
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        # Dates are also written 20261231; whatever has a time is longer.
        return moment + timedelta(days=1) if whole_day and len(text) <= 10 else moment
    except (ValueError, OverflowError) as error:
        raise ApiError(400, "Invalid date", f"{name} {UNREADABLE}") from error


def with_plus(text: str) -> str:
    """A time whose offset begins with a blank, where a `+` was not escaped (WHATWG URL, 5.1), as it was written."""
    return _BLANK_FOR_PLUS.sub(r"\1+\2", text)


def whole(value: Any) -> int | None:
    """A whole number of a JSON body, in which 5.0 is 5 (JSON Schema 2020-12, 6.1.1); None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_uuid(text: str) -> UUID | None:
    """The id of a path in its canonical form of 36 characters; None, hence not found, for anything else."""
    return UUID(text) if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) else None


@overload
def timestamp(moment: datetime) -> str: ...
@overload
def timestamp(moment: datetime | None) -> str | None: ...
def timestamp(moment: datetime | None) -> str | None:
    """UTC, no offset, microseconds: the format of `created_at` and `updated_at`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") if moment else None


@overload
def in_utc(moment: datetime, places: str = "milliseconds") -> str: ...
@overload
def in_utc(moment: datetime | None, places: str = "milliseconds") -> str | None: ...
def in_utc(moment: datetime | None, places: str = "milliseconds") -> str | None:
    """With the offset `+00:00`."""
    return moment.astimezone(UTC).isoformat(timespec=places) if moment else None


@overload
def moment(at: datetime) -> str: ...
@overload
def moment(at: datetime | None) -> str | None: ...
def moment(at: datetime | None) -> str | None:
    """UTC, milliseconds, `Z`: the format of when something starts and ends."""
    return in_utc(at).replace("+00:00", "Z") if at else None
