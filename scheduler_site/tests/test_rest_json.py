"""JSON from strangers: what is accepted can be stored and written out again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scheduler_site.lib.strict_json import InvalidJSON, UnacceptableValue, loads, loads_once


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", {}),
        (b"\xef\xbb\xbf[1]", [1]),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\ud83d\\ude00"', "😀"),
        ("[" * 64 + "]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b"1" * 40, int("1" * 40)),
        (b"-" + b"1" * 40, -int("1" * 40)),
        (b"[1.5, -2e3, null, true]", [1.5, -2000.0, None, True]),
    ],
)
def test_plain_json_is_read(text: bytes | str, value: Any) -> None:
    assert loads(text) == value


def test_keys_that_are_given_more_than_once_are_named() -> None:
    text, repeated = '{"a": 1, "b": [{"c": 1, "c": {}, "c": 3}], "a": {"d": 1}}', list[str]()
    assert loads(text, repeated) == {"a": {"d": 1}, "b": [{"c": 3}]}
    assert sorted(repeated) == ["a", "b[0].c"]
    with pytest.raises(UnacceptableValue):
        loads_once(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"{'a': 1}",
        b"[1,]",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"\xff",
        b"\x00",
        b'"a\nb"',
        b"1 2",
    ],
)
def test_what_is_no_json_is_invalid(text: bytes) -> None:
    with pytest.raises(InvalidJSON):
        loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"name": "a\\u0000b"}', "name contains a NUL character."),
        (b'{"a": {"b": ["x", "\\u0000"]}}', "a.b[1] contains a NUL character."),
        (b'{"a": {"\\u0000": 1}}', "A key in a contains a NUL character."),
        (b'"\\u0000"', "body contains a NUL character."),
        (b'{"name": "\\ud800"}', "name contains half of a surrogate pair."),
        (b'{"\\udfff": 1}', "A key in body contains half of a surrogate pair."),
        (b"1" * 41, "body is a number of more than 40 digits."),
        (b"[-" + b"9" * 100_000 + b"]", "body[0] is a number of more than 40 digits."),
        (b"1e999", "body is a number that is out of range."),
        (b'{"a": {"b": [0, -1e999]}}', "a.b[1] is a number that is out of range."),
        ("[" * 65 + "]" * 65, "more than 64 levels"),
        ("[" * 200_000, "more than 64 levels"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "more than 64 levels"),
    ],
)
def test_json_that_no_database_could_hold_is_refused_with_the_field(text: bytes | str, reason: str) -> None:
    with pytest.raises(UnacceptableValue, match=reason.replace("[", r"\[").replace(".", r"\.")):
        loads(text)
