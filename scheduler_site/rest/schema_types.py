"""Types for declaring response and request bodies, and the types of errors.

A field of a `TypedDict` is described by `Annotated[type, "What it is.", Rules(...)]`: a text, and further keywords of JSON
Schema where there are any. `scheduler_site/openapi/json_schema.py` makes JSON Schema of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict, TypeVar


class Rules:
    """Keywords of JSON Schema for a type or a field."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords


Uid = Annotated[str, Rules(format="uuid")]
Day = Annotated[str, Rules(format="date", examples=["2026-12-31"])]
# With an offset (RFC 3339).
Moment = Annotated[str, Rules(format="date-time", examples=["2026-01-02T03:04:05.678Z"])]
# The format of `created_at` and `updated_at`.
Stamp = Annotated[
    str,
    "UTC, without an offset.",
    Rules(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$", examples=["2026-01-02T03:04:05.678901"]),
]
Success = Literal[True]
Warnings = Annotated[
    list[Annotated[str, "A sentence."]],
    "What was given and has no effect; only where there is anything.",
]
Kind = TypeVar("Kind", bound=type)


def one_of(values: Iterable[Any]) -> Rules:
    """For a text that is one of some words."""
    return Rules(enum=list(values))


def partial(kind: Kind) -> Kind:
    """Decorates a TypedDict of a request that names what is to be changed: it may lack any key."""
    kind.__required_keys__ = frozenset()  # type: ignore[attr-defined]
    return kind


def also(properties: Mapping[str, Any], *, required: Iterable[str] = ()) -> Callable[[Kind], Kind]:
    """Decorates a TypedDict that has further fields, whose schemas follow from another declaration than its own."""

    def added(kind: Kind) -> Kind:
        kind.__also__ = (dict(properties), tuple(required))  # type: ignore[attr-defined]
        return kind

    return added


class Detail(TypedDict):
    """A refusal of the router, or about the account."""

    detail: Annotated[str, "What is wrong."]


class Error(TypedDict):
    """A refusal of the request: a label that programs may compare, and the reason in words."""

    error: Annotated[str, "The label.", Rules(examples=["Invalid cron expression"])]
    message: NotRequired[Annotated[str, "The reason, for people."]]
    fields: NotRequired[Annotated[dict[str, Annotated[str, "The reason."]], "The reasons by field."]]
    missing_fields: NotRequired[Annotated[list[Annotated[str, "A key."]], "The keys that the body lacks."]]


class Fault(TypedDict):
    """One value, and what is wrong with it."""

    type: Annotated[str, "The kind of fault.", Rules(examples=["greater_than_equal"])]
    loc: Annotated[list[Annotated[str, "A step of the way."]], "Where: `query` or `body`, then the name."]
    msg: Annotated[str, "What is wrong, in words."]
    input: Annotated[Any, "The value as it was sent; null when it is missing."]
    ctx: NotRequired[Annotated[dict[str, Any], "The bounds that it broke."]]


class Faults(TypedDict):
    """Values that break the declared type of a parameter or field."""

    detail: Annotated[list[Fault], "The faults."]


Refusal = Annotated[Error | Detail, "One of the two shapes of a refusal."]


class Nothing(TypedDict, total=False):
    """Nothing is looked at."""
