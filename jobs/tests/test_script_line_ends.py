"""A script comes out of a browser as it went in, whatever its lines end with."""

from __future__ import annotations

import pytest

from jobs.forms.line_ends import ends_of, settled


def through_a_browser(text: str) -> str:
    """What a textarea sends of the text that it was given."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "a",
        "a\nb\n",
        "a\r\nb\r\n",
        "a\r\nb\nc\rd",
        "\n\n a \t\n",
        "\r",
        "a\x0cb\u2028c\x85d\n",
        "\ufeffa\r\n",
    ],
)
def test_what_was_not_changed_stays_byte_for_byte(stored: str) -> None:
    assert settled(through_a_browser(stored), stored) == stored
    assert settled(through_a_browser(stored), stored, ends_of(stored)) == stored


def test_a_changed_text_keeps_its_kind_of_line_ends() -> None:
    assert settled("a\r\nb\r\nc", "a\nb") == "a\nb\nc"
    assert settled("a\r\nb\r\nc", "a\r\nb") == "a\r\nb\r\nc"


def test_a_new_text_gets_lf_unless_something_else_is_chosen() -> None:
    assert settled("a\r\nb\r\n", "") == "a\nb\n"
    assert settled("a\r\nb\r\n", "", "crlf") == "a\r\nb\r\n"


def test_the_choice_changes_a_text_that_was_not_touched() -> None:
    assert settled("a\r\nb", "a\nb", "crlf") == "a\r\nb"
    assert settled("a\r\nb", "a\r\nb", "lf") == "a\nb"


def test_mixed_ends_are_lost_when_the_text_is_changed() -> None:
    assert settled("a\r\nb\r\nc\r\nd", "a\r\nb\nc", "mixed") == "a\nb\nc\nd"


@pytest.mark.parametrize(
    ("text", "ends"),
    [("", "lf"), ("a", "lf"), ("a\n", "lf"), ("a\r\n", "crlf"), ("a\r\nb\n", "mixed"), ("a\rb", "mixed")],
)
def test_how_the_lines_of_a_text_end(text: str, ends: str) -> None:
    assert ends_of(text) == ends
