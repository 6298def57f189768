"""What programs write for a terminal, as text and as HTML: colours become classes of a fixed set, everything else that steers
a terminal is left out.

The 256 and the 16.7 million colours become the nearest of the sixteen: these are readable on light and dark pages, the
others were chosen for one background.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape

# ECMA-48: control sequences (also cut off), strings up to their end, other escapes, and what is left of controls. Tabs and
# line ends are text. A string ends at the next control at the latest: where nothing but beginnings is written, each would
# otherwise be followed to the end of the line.
CONTROL = re.compile(
    r"(?:\x1b\[|\x9b)(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~]?)"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x7f-\x9f]*+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
# Where one of these begins, and what most of them are: both are found far faster.
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
MARKS = {1: "bold", 2: "faint", 3: "italic", 4: "underlined", 7: "inverse", 9: "struck"}
OFF = {22: (1, 2), 23: (3,), 24: (4,), 27: (7,), 29: (9,)}
CLASSES = frozenset(
    [*MARKS.values(), *(f"{ground}{number}" for ground in ("fg", "bg") for number in range(16))]
)
FOREGROUND, BACKGROUND = 38, 48
CUBE = (0, 95, 135, 175, 215, 255)
# Red, yellow, green, cyan, blue, magenta: each sixth of the circle of hues.
HUES = (1, 3, 2, 6, 4, 5)
GREYS = ((56, 0), (128, 8), (208, 7), (256, 15))
LIGHT, COLOURLESS = 150, 32
MOST_FIELDS, LONG = 64, 40


@dataclass(frozen=True, slots=True)
class Style:
    """How text is shown from here on: the numbers of two of the sixteen colours, and marks."""

    front: int | None = None
    back: int | None = None
    marks: frozenset[int] = frozenset()

    @property
    def classes(self) -> str:
        return "" if self is USUAL else _classes(self)

    def _names(self) -> str:
        front, back, marks = self.front, self.back, self.marks
        if 7 in marks and front is not None:
            # The colour of the letters becomes that of the ground.
            front, back, marks = back, front, marks - {7}
        names = [MARKS[mark] for mark in sorted(marks)]
        names += [f"fg{front}"] if front is not None else []
        return " ".join(names + ([f"bg{back}"] if back is not None else []))

    @property
    def code(self) -> str:
        """The parameters that lead to this style from the usual one; empty for the usual one."""
        numbers = sorted(self.marks)
        numbers += [_number(self.front, 30)] if self.front is not None else []
        numbers += [_number(self.back, 40)] if self.back is not None else []
        return ";".join(map(str, numbers))


USUAL = Style()
_classes = lru_cache(maxsize=2048)(Style._names)


def plain(text: str) -> str:
    """The text alone."""
    if not STEERS.search(text):
        return text
    without = COLOUR.sub("", text)
    return CONTROL.sub("", text) if STEERS.search(without) else without


def parts(line: str, style: Style = USUAL) -> tuple[list[tuple[str, Style]], Style]:
    """The pieces of a line with the style of each, and the style after it.

    Of what a carriage return lets be written over again the last is shown, as on a terminal.
    """
    if not STEERS.search(line):
        return ([(line, style)] if line else []), style
    before, _return, line = line.rstrip("\r").rpartition("\r")
    for found in CONTROL.finditer(before):
        style = _after(style, found)
    pieces, at = list[tuple[str, Style]](), 0
    for found in CONTROL.finditer(line):
        if found.start() > at:
            pieces.append((line[at : found.start()], style))
        style, at = _after(style, found), found.end()
    if at < len(line):
        pieces.append((line[at:], style))
    return pieces, style


def html(pieces: list[tuple[str, Style]]) -> str:
    """Inert: text, and spans with classes of CLASSES."""
    return "".join(_span(text, style.classes) for text, style in pieces)


def styled(style: Style, parameters: str) -> Style:
    """The style after "select graphic rendition" with these parameters, such as `1;31` or `38;2;255;0;0`."""
    return _styled(style, parameters) if len(parameters) < LONG else _styled.__wrapped__(style, parameters)


@lru_cache(maxsize=2048)  # a log has thousands, of a few dozen kinds
def _styled(style: Style, parameters: str) -> Style:
    if not re.fullmatch(r"[0-9;:]*", parameters, re.ASCII):
        return style
    fields = iter(parameters.split(";", MOST_FIELDS)[:MOST_FIELDS])
    for field in fields:
        numbers = [_int(number) for number in field.split(":")]
        if numbers[0] in (FOREGROUND, BACKGROUND):
            style = _coloured(style, numbers[0], _colour(numbers[1:], fields))
        elif numbers[0] == 4 and numbers[1:] == [0]:
            style = _marked(style, 24)
        else:
            style = _marked(style, numbers[0])
    return style


def _after(style: Style, found: re.Match[str]) -> Style:
    return styled(style, found["parameters"]) if found["final"] == "m" else style


def _span(text: str, classes: str) -> str:
    safe = escape(text, quote=False)
    return f'<span class="{classes}">{safe}</span>' if classes else safe


def _marked(style: Style, number: int) -> Style:
    if number == 0:
        return USUAL
    if number in MARKS:
        return replace(style, marks=style.marks | {number})
    if number in OFF:
        return replace(style, marks=style.marks.difference(OFF[number]))
    tens, unit = divmod(number, 10)
    if unit == 9 and tens in (3, 4):
        return _coloured(style, number - 1, None)
    if unit < 8 and tens in (3, 4, 9, 10):
        bright = 8 if tens > 4 else 0
        return _coloured(style, FOREGROUND if tens in (3, 9) else BACKGROUND, unit + bright)
    return style


def _coloured(style: Style, ground: int, colour: int | None) -> Style:
    return replace(style, front=colour) if ground == FOREGROUND else replace(style, back=colour)


def _colour(given: list[int], fields: Iterator[str]) -> int | None:
    """What follows 38 or 48, after colons or in the next fields: `5;n` or `2;r;g;b`. None for what is no colour."""
    apart = not given
    kind = _next(fields) if apart else given[0]
    if kind == 5:
        return _of_256(_next(fields) if apart else given[-1])
    if kind == 2:
        red, green, blue = [_next(fields) for _ in range(3)] if apart else _three(given[1:])
        return _nearest(red, green, blue)
    return None


def _three(numbers: list[int]) -> list[int]:
    """With colons a colour space may stand before the three."""
    return (numbers[1:4] if len(numbers) > 3 else [*numbers, 0, 0, 0])[:3]


def _next(fields: Iterator[str]) -> int:
    return _int(next(fields, ""))


def _int(text: str) -> int:
    """Far more than any parameter means is as good as any other large number."""
    return int(text.partition(":")[0][:9] or 0)


def _of_256(number: int) -> int | None:
    if number < 16:
        return number
    if number < 232:
        number -= 16
        return _nearest(CUBE[number // 36], CUBE[number // 6 % 6], CUBE[number % 6])
    return _nearest(*[8 + 10 * (number - 232)] * 3) if number < 256 else None


def _nearest(red: int, green: int, blue: int) -> int:
    red, green, blue = (min(255, part) for part in (red, green, blue))
    most, least = max(red, green, blue), min(red, green, blue)
    light = (most + least) // 2
    if most - least < COLOURLESS:
        return next(number for limit, number in GREYS if light < limit)
    if most == red:
        hue = (green - blue) / (most - least)
    elif most == green:
        hue = 2 + (blue - red) / (most - least)
    else:
        hue = 4 + (red - green) / (most - least)
    return HUES[round(hue) % 6] + (8 if light > LIGHT else 0)


def _number(colour: int, first: int) -> int:
    return first + colour if colour < 8 else first + 52 + colour
