"""Texts that are stored untranslated and translated for each reader: pure values, no database."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, override
from django.utils.translation import gettext_noop as _

from scheduler_site.lib.text import storable

# What the API and the rows of the database say; translations start from it.
ENGLISH = "en"


class Text:
    """A sentence of the catalog, and what it names: `str()` says it in the language that is active then."""

    __slots__ = ("template", "values")

    def __init__(self, template: str, **values: Words) -> None:
        self.template, self.values = template, values

    def __str__(self) -> str:
        said = gettext(self.template)
        return said % {name: str(value) for name, value in self.values.items()} if self.values else said


class Lines:
    """Several, one below the other."""

    __slots__ = ("lines",)

    def __init__(self, *lines: Words) -> None:
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))


Words = str | Text | Lines


def fact(label: Words, value: Words) -> Text:
    """`label: value`, translated when it is read."""
    return Text(_("%(label)s: %(value)s"), label=label, value=value)


def in_english(words: Words) -> str:
    with override(ENGLISH):
        return str(words)


def to_json(words: Words) -> Any:
    """A value for a JSON column, with texts that every database takes."""
    if isinstance(words, Lines):
        return [to_json(line) for line in words.lines]
    if isinstance(words, Text):
        return {"text": words.template, "values": {name: to_json(one) for name, one in words.values.items()}}
    return storable(words)


def from_json(data: Any) -> Words:
    if isinstance(data, list):
        return Lines(*map(from_json, data))
    if isinstance(data, dict):
        return Text(data["text"], **{name: from_json(one) for name, one in data["values"].items()})
    return str(data)
