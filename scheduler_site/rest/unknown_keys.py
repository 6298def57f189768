"""Warns in the answer of keys and parameters that the route does not know, so that nothing is ignored silently.

Clients of the inherited server send more keys than it read, so that is no reason to refuse. What a route knows is what its
description says (`openapi.route.route`), so the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

# At most this many are named; the answer says that there are more.
MOST = 50
LONGEST_NAME = 100
_NO_BODY: Mapping[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True)
class Ignored:
    """A key that no part of a route's description names. `way` leads to it: `schedule.time_zone`, `depends_on.0.when`."""

    way: str
    value: Any
    known: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.way.rpartition(".")[2].lstrip("?")

    def warning(self, *, kept: bool = False) -> str:
        """In words; `kept`: it belongs to the object, but is not to be set."""
        if kept:
            return f"{self.way}: cannot be set here and was ignored."
        close = get_close_matches(self.name.lower(), self.known, n=1, cutoff=0.8)
        return f"{self.way}: unknown and ignored." + (f" Is {close[0]} meant?" if close else "")


def in_body(body: Mapping[str, Any], schema: Mapping[str, Any] | None) -> list[Ignored]:
    """The keys of a JSON body that its schema does not name, at any depth."""
    found = _ignored(body, schema or _NO_BODY, "")
    return [one for one, _place in zip(found, range(MOST + 1), strict=False)]


def in_query(names: Iterable[str], known: Iterable[str]) -> list[Ignored]:
    """The parameters of a query that a route does not read."""
    known = tuple(known)
    return [Ignored(f"?{name[:LONGEST_NAME]}", None, known) for name in names if name not in known]


def warnings(ignored: Iterable[Ignored], *objects: Any) -> list[str]:
    """A sentence for each. What an object that was read says of itself may be sent back: it is named only where it differs.

    `objects`: the answer, and where there is one the answer of the read before.
    """
    shown = [part for part in objects if isinstance(part, Mapping)]
    shown += [part for one in shown for part in one.values() if isinstance(part, Mapping)]
    texts = []
    for one in ignored:
        values = [found for part in shown for found in _at(part, one.way)]
        if not (values and one.value in values):
            texts.append(one.warning(kept=bool(values)))
    return _few(texts)


def of_repeated(ways: Iterable[str]) -> list[str]:
    """A sentence for each key that was given more than once."""
    return _few([f"{way[:LONGEST_NAME]}: given more than once, the last value counts." for way in ways])


def of_values(name: str, unknown: Iterable[str], known: Iterable[str]) -> list[str]:
    """A sentence for each word that a filter does not know: an empty list would look like good news."""
    texts = []
    for word in sorted(unknown):
        close = get_close_matches(word.lower(), known, n=1, cutoff=0.8)
        meant = f" Is {close[0]} meant?" if close else ""
        texts.append(f"?{name}: {word[:LONGEST_NAME]} is unknown and matches nothing.{meant}")
    return _few(texts)


def _few(texts: list[str]) -> list[str]:
    return texts if len(texts) <= MOST else [*texts[:MOST], "There is more that was ignored."]


def _at(part: Any, way: str) -> Iterator[Any]:
    for name in way.split("."):
        if not isinstance(part, Mapping) or name not in part:
            return
        part = part[name]
    yield part


def _ignored(value: Any, schema: Mapping[str, Any], way: str) -> Iterator[Ignored]:
    if choices := schema.get("anyOf"):
        # Of several shapes the one that fits best is meant.
        yield from min(
            ([*_ignored(value, one, way)] for one in choices if _fits(value, one)), key=len, default=[]
        )
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _ignored(item, schema.get("items", {}), f"{way}{place}.")
    elif isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        for name, part in value.items():
            if name in known:
                yield from _ignored(part, known[name], f"{way}{name}.")
            else:
                yield Ignored(f"{way}{str(name)[:LONGEST_NAME]}", part, tuple(known))


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether an object or a list is of this shape at all; what is neither has no keys."""
    kinds = schema.get("type", ())
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return "anyOf" in schema or ("object" if isinstance(value, dict) else "array") in kinds or not kinds
