"""Cleans untrusted text: for databases, CSV files, terminals and names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db.models import Choices
from django.utils.translation import gettext_lazy, pgettext

# What makes a spreadsheet calculate; the wide forms do in editions for Chinese and Japanese.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def storable(text: str) -> str:
    """Text that every database takes: no NUL (PostgreSQL), no lone surrogates (UTF-8)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def inert(cell: str) -> str:
    """A cell of a CSV file that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def label_of(choices: type[Choices], value: str) -> str:
    """What people read for the value of a field; what is none of its choices, as it is."""
    try:
        return str(choices(value).label)
    except ValueError:
        return value


def enumerated(parts: Iterable[object]) -> str:
    """The parts of a list one after the other, as the active language separates them."""
    return pgettext("between the items of a list", ", ").join(map(str, parts))


# Controls, what has no shape or turns the direction of writing, halves of surrogates, separators of lines.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Without these some scripts and emoji cannot be written: they join or part the signs beside them.
_JOINERS = "\u200c\u200d"
INVISIBLE = gettext_lazy("The name contains an invisible character (%(sign)s).")
INVISIBLE_TEXT = gettext_lazy("The text contains an invisible character (%(sign)s).")


def unseen(text: str, *, lines: bool = False) -> str:
    """The first invisible, misleading character, as `U+202E`; empty if there is none. `lines`: LF and TAB are fine."""
    fine = _JOINERS + ("\n\r\t" if lines else "")
    for sign in text:
        if not " " <= sign <= "~" and sign not in fine and unicodedata.category(sign) in _UNSEEN:
            return f"U+{ord(sign):04X}"
    return ""


def visible(name: str) -> None:
    """A validator of names: raises ValidationError for an invisible character, a control character or a line end."""
    if sign := unseen(name):
        raise ValidationError(INVISIBLE, params={"sign": sign})


def inert_line(text: str) -> str:
    """One line for a terminal or a log: what is not seen there, colours of ANSI and turns of direction, is written out."""
    return _SUSPECT.sub(_written_out, text) if _SUSPECT.search(text) else text


def _written_out(match: re.Match[str]) -> str:
    sign = match[0]
    if sign in _JOINERS or unicodedata.category(sign) not in _UNSEEN:
        return sign
    return sign.encode("unicode_escape", "backslashreplace").decode()


# Quickly found: controls, and the blocks beyond Latin 1 among which the others are.
_SUSPECT = re.compile("[\x00-\x1f\x7f-\x9f\xad\u0600-\uffff\U00010000-\U0010ffff]")


def bare(text: str) -> str:
    """Output as a terminal leaves it: no colours or other escape sequences; a line that was written over as it was last."""
    plain = _ESCAPES.sub("", text)
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in plain.split("\n"))


# Sequences of ECMA-48: with parameters; up to BEL or ST (titles, links); of one sign. Of broken ones what there is.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
