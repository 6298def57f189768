"""Parses the text of the search box: a pure function.

    nightly team:ops is:failing owner:"Uma Ng" kind:webhook

A word is looked for in the name, the URL, the team, the owner, the category and the description of a job; all words must be
found. `team:`, `owner:`, `category:` and `kind:` ask for one of the values given for them, each `is:` for what it says. Quotes
keep blanks in a value, and make a word of what looks like a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# What `is:` may be followed by.
STATES = (
    *("active", "paused", "failing", "late", "mine", "ownerless", "manual", "ended", "invalid", "suspended"),
    "running",
)
KEYS = ("team", "owner", "category", "kind")
LONGEST = 300
_WORD = re.compile(r'(?:(?P<key>[a-zA-Z_]{1,20}):)?(?:"(?P<quoted>[^"]*)(?P<end>"|$)|(?P<plain>\S*))')
_BLANKS = re.compile(r"\s*")


@dataclass(frozen=True)
class Query:
    """`unknown` are the parts that ask for something that there is not: whoever typed them must be told, since what he meant is
    not what is shown. Of an unknown key the part is looked for as it is written; an unknown state or kind finds nothing."""

    words: tuple[str, ...] = ()
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    states: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    # Whether something unknown was asked for of which nothing can be found.
    hopeless: bool = False

    def __bool__(self) -> bool:
        return bool(self.words or self.keys or self.states or self.hopeless)


@dataclass
class _Parts:
    words: list[str] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    hopeless: bool = False

    def word(self, text: str) -> None:
        if text:
            self.words.append(text)

    def state(self, text: str) -> None:
        if text.lower() in STATES:
            self.states.append(text.lower())
        elif text:
            self.hopeless = True
            self.unknown.append(f"is:{text}")

    def key(self, key: str, text: str, kinds: tuple[str, ...]) -> None:
        if not text:
            return
        if key == "kind" and text.lower() not in kinds:
            self.hopeless = True
            self.unknown.append(f"kind:{text}")
        self.keys.setdefault(key, []).append(text)


def parse(text: str, kinds: tuple[str, ...]) -> Query:
    """Reads what was typed; `kinds` are the kinds of jobs that there are. Nothing is refused."""
    parts, place, text = _Parts(), 0, text.replace("\0", " ")[:LONGEST].strip()
    # It matches the empty text, too.
    while place < len(text) and (match := _WORD.match(text, place)):
        _take(match, parts, kinds)
        place = max(match.end(), place + 1)
        if blanks := _BLANKS.match(text, place):
            place = blanks.end()
    keys = {key: tuple(values) for key, values in parts.keys.items()}
    return Query(
        tuple(parts.words), keys, tuple(dict.fromkeys(parts.states)), tuple(parts.unknown), parts.hopeless
    )


def _take(match: re.Match[str], parts: _Parts, kinds: tuple[str, ...]) -> None:
    quoted = match["quoted"]
    key, value = match["key"], (match["plain"] if quoted is None else quoted).strip()
    if key is None:
        parts.word(value)
    elif key.lower() == "is":
        parts.state(value)
    elif key.lower() in KEYS:
        parts.key(key.lower(), value, kinds)
    else:
        # `https://...` is a part of an address, not a key.
        whole = f"{key}:{value}"
        if quoted is not None or not value.startswith("//"):
            parts.unknown.append(f"{key}:")
        parts.word(whole)


def with_word(text: str, key: str, value: str) -> str:
    """`text` and one more part of it, quoted where it must be; once, however often it is added."""
    part = f'{key}:"{value}"' if re.search(r"\s", value) else f"{key}:{value}"
    return text if part in text.split() else f"{text} {part}".strip()
