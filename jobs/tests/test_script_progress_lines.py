"""Of a line that a progress bar writes over and over, one state a second reaches the log."""

from __future__ import annotations

import time

import pytest

from jobs.runners.script.progress_lines import Reducer


def visible(text: str) -> list[str]:
    """What a page shows: of each line what stands after its last carriage return."""
    return [line.rpartition("\r")[2] for line in text.split("\n")]


def shown(*pieces: str, step: float = 0.0) -> str:
    """All that comes out when the pieces come `step` seconds apart."""
    reducer = Reducer()
    text = "".join(reducer.feed(piece, number * step) for number, piece in enumerate(pieces))
    return text + reducer.finish()


@pytest.mark.parametrize(
    "pieces",
    [("a\nb\n",), ("a", "b\n", "c"), ("", "a\n", ""), ("\n\n",), ("no line end",), ("x\n", "y")],
)
def test_text_without_carriage_returns_passes_as_it_comes(pieces: tuple[str, ...]) -> None:
    reducer = Reducer()
    assert [reducer.feed(piece, 0.0) for piece in pieces] == list(pieces)
    assert reducer.finish() == ""


@pytest.mark.parametrize("pieces", [("a\r\nb\r\n",), ("a\r", "\nb\r", "\n"), ("a", "\r\r\n", "b", "\r\n")])
def test_a_carriage_return_before_a_line_end_belongs_to_it(pieces: tuple[str, ...]) -> None:
    assert shown(*pieces) == "a\nb\n"


def test_of_states_that_come_at_once_the_last_is_shown() -> None:
    assert visible(shown("0%\r1%\r2%\r", "3%", "\ndone\n")) == ["3%", "done", ""]


def test_states_of_one_second_are_one() -> None:
    pieces = [f"\r{number}%" for number in range(1000)]
    text = shown(*pieces, step=0.01)
    assert 10 <= text.count("\r") <= 11
    assert visible(text) == ["999%"]


def test_a_state_is_shown_whole_though_it_comes_in_parts() -> None:
    assert visible(shown("\rfirst", "\rsec", "ond", "\rth", "ird\n", "end", step=0.3)) == ["third", "end"]


def test_the_last_state_of_a_line_is_never_left_out() -> None:
    assert visible(shown("\r98%", "\r99%", "\r100%\n", "next\n")) == ["100%", "next", ""]
    assert visible(shown("\r98%", "\r99%", "\r100%")) == ["100%"]


def test_a_state_that_waits_is_shown_although_nothing_follows() -> None:
    reducer = Reducer()
    assert reducer.feed("\r1%", 0.0) == "1%"
    assert reducer.feed("\r2%", 0.2) == ""
    assert reducer.tick(0.9) == ""
    assert reducer.tick(1.1) == "\r2%"
    assert reducer.tick(5.0) == ""
    assert reducer.feed(" of all", 5.1) == " of all"


def test_what_was_written_stays_visible_when_only_the_cursor_went_back() -> None:
    assert visible(shown("done\r")) == ["done"]
    assert visible(shown("done\r", "\r", step=2.0)) == ["done"]


def test_a_bar_that_is_wiped_away_leaves_what_follows() -> None:
    assert visible(shown("50%", "\r    ", "\r", "result\n", step=0.1)) == ["result", ""]


def test_a_new_line_begins_anew() -> None:
    assert visible(shown("a 1\ra 2\nb 1\rb 2\nc", "\rc 2")) == ["a 2", "b 2", "c 2"]


def test_an_endless_line_of_states_keeps_little_and_an_endless_state_is_passed_on() -> None:
    reducer = Reducer()
    states = sum(len(reducer.feed("\r" + "x" * 1000, 0.001 * number)) for number in range(5000))
    assert states < 10_000
    reducer = Reducer()
    reducer.feed("\ra", 0.0)
    reducer.feed("\r", 0.1)
    endless = sum(len(reducer.feed("x" * 65536, 0.2)) for _ in range(100))
    assert endless == 100 * 65536 + 1  # and the return before it


def test_however_the_text_is_cut_a_page_shows_the_same() -> None:
    text = "a\r\nb 1\rb 2\r\r\n\rc\n\n50%\r100%\r\nd\r"
    expected = ["a", "b 2", "c", "", "100%", "d"]
    for size in range(1, len(text)):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert visible(shown(*pieces)) == expected
        assert visible(shown(*pieces, step=0.6)) == expected


def test_a_row_of_nothing_but_carriage_returns_takes_no_time() -> None:
    began = time.thread_time()
    assert visible(shown("\r" * 200_000 + "x", "\r" * 200_000 + "y\n")) == ["y", ""]
    assert time.thread_time() - began < 2
