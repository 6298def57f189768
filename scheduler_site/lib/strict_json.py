"""Parses untrusted JSON: whatever is accepted can be stored in every database and written out again."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_DIGITS = 40
WHOLE = "body"


class InvalidJSON(ValueError):
    """The text is no JSON document (RFC 8259)."""


class UnacceptableValue(ValueError):
    """JSON, but with a value that is refused; the message names its field."""


class _Repeating(dict[str, Any]):
    """An object with keys that were given more than once."""

    again: tuple[str, ...] = ()


def loads(text: str | bytes, repeated: list[str] | None = None) -> Any:
    """The value of a JSON document in UTF-8.

    NaN, infinities and numbers that overflow, more than 64 nested levels, integers of more than 40 digits,
    NUL characters and lone surrogates are refused. Of duplicate keys the last one wins; they are added to `repeated`.
    Raises InvalidJSON or UnacceptableValue.
    """
    try:
        value = json.loads(
            text if isinstance(text, str) else text.decode("utf-8-sig"),
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except UnacceptableValue:
        raise
    except RecursionError as error:
        raise UnacceptableValue(f"The body is nested more than {MAX_DEPTH} levels deep.") from error
    except ValueError as error:
        raise InvalidJSON(str(error)) from error
    _inspect(value, [] if repeated is None else repeated)
    return value


def loads_once(text: str) -> Any:
    """The same, without a key that is given more than once: one of its values would be lost."""
    repeated: list[str] = []
    value = loads(text, repeated)
    if repeated:
        raise UnacceptableValue(f"{repeated[0]} is given more than once.")
    return value


class Decoder(json.JSONDecoder):
    """The same for forms.JSONField."""

    def decode(self, s: str, *_args: Any) -> Any:
        try:
            return loads(s)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), s[:50], 0) from error


def problem_of(text: str) -> str:
    """What is wrong with a text that came from outside, or an empty string."""
    if "\x00" in text:
        return "contains a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "contains half of a surrogate pair"
    return ""


@dataclass(frozen=True)
class _Odd:
    """A number that is refused: in which field it stands is known only when all has been read."""

    problem: str


def _integer(digits: str) -> int | _Odd:
    if len(digits.removeprefix("-")) > MAX_DIGITS:
        return _Odd(f"is a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float | _Odd:
    # JSON allows 1e999, which would become an infinity that no JSON document can hold.
    value = float(digits)
    return value if math.isfinite(value) else _Odd("is a number that is out of range")


def _constant(name: str) -> NoReturn:
    raise InvalidJSON(f"{name} is no JSON value.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeating = _Repeating(found)
    repeating.again = tuple(key for key, count in Counter(key for key, _value in pairs).items() if count > 1)
    return repeating


def _inspect(value: Any, repeated: list[str]) -> None:
    """Walks without recursion: the depth is chosen by the sender."""
    waiting = [(WHOLE, value, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, str):
            if problem := problem_of(value):
                raise UnacceptableValue(f"{name} {problem}.")
        elif isinstance(value, _Odd):
            raise UnacceptableValue(f"{name} {value.problem}.")
        elif isinstance(value, dict | list):
            if isinstance(value, _Repeating):
                repeated.extend(_child(name, key) for key in value.again)
            if depth == MAX_DEPTH:
                raise UnacceptableValue(f"The body is nested more than {MAX_DEPTH} levels deep.")
            waiting.extend((_child(name, key), item, depth + 1) for key, item in _items(name, value))


def _items(name: str, value: dict[str, Any] | list[Any]) -> list[tuple[str | int, Any]]:
    if isinstance(value, list):
        return list(enumerate(value))
    for key in value:
        if problem := problem_of(key):
            raise UnacceptableValue(f"A key in {name} {problem}.")
    return list(value.items())


def _child(name: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{name}[{key}]"
    return key if name == WHOLE else f"{name}.{key}"
