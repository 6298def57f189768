"""What programs write for a terminal is shown as inert HTML: colours as classes of a fixed set, nothing else."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler_site.lib import ansi

SPAN = re.compile(r'<span class="([^"<>]+)">|</span>')
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\t<>&\"'"), max_size=20)
NUMBERS = st.lists(
    st.one_of(st.integers(0, 120), st.sampled_from(["", "38;5", "48;2", "38:2", "4:3", "9" * 30]))
)
COLOURS = NUMBERS.map(lambda numbers: f"\x1b[{';'.join(map(str, numbers))}m")
OTHERS = st.sampled_from(
    [
        "\x1b[2K",
        "\x1b[?25l",
        "\x1b]0;title\x07",
        "\x1b]8;;http://x\x1b\\",
        "\x1bM",
        "\x1b(B",
        "\x07",
        "\x1b[>4;1m",
        "\x9b1m",
    ]
)


def shown(line: str) -> str:
    return ansi.html(ansi.parts(line)[0])


@pytest.mark.parametrize(
    ("line", "html"),
    [
        ("plain <b>&", "plain &lt;b&gt;&amp;"),
        ("\x1b[31mred\x1b[0m.", '<span class="fg1">red</span>.'),
        ("\x1b[1;4;92mb\x1b[22;24mg\x1b[39mx", '<span class="bold underlined fg10">b</span><span class="fg10">g</span>x'),
        ("\x1b[44mon blue\x1b[m", '<span class="bg4">on blue</span>'),
        ("\x1b[31;7mturned", '<span class="bg1">turned</span>'),
        ("\x1b[38;5;9mr\x1b[38;5;244mgrey", '<span class="fg9">r</span><span class="fg7">grey</span>'),
        ("\x1b[38;5;34mgreen", '<span class="fg2">green</span>'),
        ("\x1b[38;2;255;20;20mr\x1b[48;2;0;0;0mb", '<span class="fg1">r</span><span class="fg1 bg0">b</span>'),
        ("\x1b[38:2::0:0:255mb\x1b[38:5:46mg", '<span class="fg4">b</span><span class="fg2">g</span>'),
        ("\x1b[38:2:9m\x1b[38;5;999m\x1b[48;2mx", '<span class="bg0">x</span>'),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10%\r\x1b[32m55%\r\x1b[K100%\r", '<span class="fg2">100%</span>'),
        ("cut off \x1b[31", "cut off "),
        ("\x1b]0;no end", "0;no end"),
        ("a\tb\x00\x08\x7f", "a\tb"),
    ],
)  # fmt: skip
def test_a_line_as_html(line: str, html: str) -> None:
    assert shown(line) == html


def test_a_colour_goes_on_in_the_next_line_until_it_is_reset() -> None:
    _pieces, style = ansi.parts("\x1b[1;33mone")
    assert ansi.html(ansi.parts("two\x1b[0m", style)[0]) == '<span class="bold fg3">two</span>'
    assert ansi.styled(ansi.USUAL, style.code) == style


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(TEXT.map(lambda text: (text, text)), st.one_of(COLOURS, OTHERS).map(lambda s: (s, "")))
    )
)
def test_it_is_the_text_without_escapes_in_spans_of_known_classes(pieces: list[tuple[str, str]]) -> None:
    line, text = ("".join(part) for part in zip(*pieces, strict=True)) if pieces else ("", "")
    found = shown(line)
    for classes in SPAN.findall(found):
        assert set(classes.split()) <= ansi.CLASSES
    bare = SPAN.sub("", found)
    assert not re.search("[<>]", bare)
    assert unescape(bare) == text == ansi.plain(line)


@settings(max_examples=60)
@given(st.text(st.sampled_from("\x1b[];:?0123456789m\\\x07\x9b\x9d\rKx<"), max_size=60))
def test_whatever_is_written_no_escape_and_no_markup_is_left(line: str) -> None:
    pieces, style = ansi.parts(line)
    bare = SPAN.sub("", ansi.html(pieces))
    assert not re.search("[<>\x1b\x9b\x9d\x07\r]", bare)
    assert ansi.styled(ansi.USUAL, style.code) == style


@pytest.mark.parametrize(
    "line",
    [
        "\x1b]" * 50_000,
        "\x1b[" + "1;" * 50_000,
        "\x1b[31" * 25_000,
        "\x1b]8" + "x" * 100_000,
        *[f"{begun}x" * 50_000 for begun in "\x90\x98\x9b\x9d\x9e\x9f"],
        "\x90\x1b" * 50_000,
    ],
    ids=lambda line: ascii(line[:4]),
)
def test_a_line_of_the_longest_kind_takes_no_time(line: str) -> None:
    began = time.thread_time()
    ansi.plain(line)
    assert not set(shown(line)) & set("\x1b\x90\x98\x9b\x9d\x9e\x9f")
    assert time.thread_time() - began < 2
