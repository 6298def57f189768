"""The changes of an entry as rows for display: one for each field, and for objects one for each key that differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scheduler_site.lib import credentials

# What is longer is folded.
LONG_TEXT, LONG_LINES = 160, 6


@dataclass(frozen=True)
class Value:
    """A value as text; objects and lists as JSON on several lines. `absent` stands for no value at all."""

    text: str
    absent: bool = False

    @classmethod
    def of(cls, value: Any) -> Value:
        if value is None:
            return cls("", absent=True)
        if isinstance(value, str):
            return cls(value)
        return cls(json.dumps(value, indent=2, ensure_ascii=False))

    @property
    def is_long(self) -> bool:
        return len(self.text) > LONG_TEXT or self.text.count("\n") >= LONG_LINES

    @property
    def beginning(self) -> str:
        return " ".join(self.text[: LONG_TEXT // 2].split())


@dataclass(frozen=True)
class Row:
    field: str
    old: Value
    new: Value


def rows(changes: Mapping[str, Any]) -> list[Row]:
    """The rows of `{field: {"old": ..., "new": ...}}`; fields that are empty before and after are left out."""
    return [
        Row(field, Value.of(old), Value.of(new))
        for name, change in credentials.masked(changes).items()
        for field, old, new in _parts(name, change.get("old"), change.get("new"))
        if not (old in EMPTY and new in EMPTY)
    ]


EMPTY: tuple[Any, ...] = (None, "", [], {})


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Row]:
    """The rows of what differs between two definitions."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return rows({name: {"old": old.get(name), "new": new.get(name)} for name in names})


def _parts(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Splits two objects into the keys that differ, so that a small change in a large object is found."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield name, old, new
        return
    for key in {**old, **new}:
        if old.get(key) != new.get(key) or (key in old) != (key in new):
            yield from _parts(f"{name}.{key}", old.get(key), new.get(key))
