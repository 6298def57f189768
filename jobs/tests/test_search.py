"""The search box of the jobs."""

from __future__ import annotations

import pytest

from jobs.search.query import Query, parse, with_word

KINDS = ("webhook", "script")


def read(text: str) -> Query:
    return parse(text, KINDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("   ", ()),
        ("nightly backup", ("nightly", "backup")),
        ('"nightly backup" x', ("nightly backup", "x")),
        ('"not closed', ("not closed",)),
        ('"is:failing"', ("is:failing",)),
        ("https://example.com/a", ("https://example.com/a",)),
        ("12:30", ("12:30",)),
        ("über 夜間", ("über", "夜間")),
        ('a"b', ('a"b',)),
        ("\0x", ("x",)),
    ],
)
def test_words_are_what_is_left_between_blanks_or_quotes(text: str, words: tuple[str, ...]) -> None:
    assert read(text) == Query(words=words)


def test_keys_take_one_value_or_a_quoted_one_and_may_be_repeated() -> None:
    found = read('team:ops TEAM:"Night shift" owner:me kind:script category:General x')
    assert found.words == ("x",)
    assert found.keys == {
        "team": ("ops", "Night shift"),
        "owner": ("me",),
        "kind": ("script",),
        "category": ("General",),
    }
    assert not found.unknown


def test_states_are_all_asked_for_once() -> None:
    assert read("is:failing is:PAUSED is:failing is:").states == ("failing", "paused")


def test_what_is_unknown_is_told_and_never_widens_what_is_found() -> None:
    state, kind, key = read("is:broke"), read("kind:fax"), read("teem:ops")
    assert (state.unknown, state.hopeless) == (("is:broke",), True)
    assert (kind.unknown, kind.hopeless) == (("kind:fax",), True)
    assert (key.unknown, key.words) == (("teem:",), ("teem:ops",))
    assert all([state, kind, key])


def test_a_part_is_added_once_and_quoted_where_it_must_be() -> None:
    assert with_word("", "is", "paused") == "is:paused"
    assert with_word("x is:paused", "is", "paused") == "x is:paused"
    assert with_word("x", "team", "Night shift") == 'x team:"Night shift"'


def test_nothing_that_is_typed_takes_long() -> None:
    assert read('"' * 5000).words == ()
    assert len(read("a " * 5000).words) <= 150
