"""Line ends of a text that goes through a browser.

A textarea sends CRLF for all line ends (HTML Standard, "constructing the entry list"). So a separate field says which line ends
are meant, and a text that comes back as it was shown is stored unchanged, byte for byte.
"""

from __future__ import annotations

from typing import Literal

from jobs.forms.unchanged_fields import LINE_END

Ends = Literal["lf", "crlf", "mixed"]


def ends_of(text: str) -> Ends:
    """`mixed` where lines end in different ways, or with a CR alone; `lf` for a text of one line."""
    found = set(LINE_END.findall(text))
    if found <= {"\n"}:
        return "lf"
    return "crlf" if found == {"\r\n"} else "mixed"


def settled(sent: str, stored: str, ends: str = "") -> str:
    """The text that is meant by what a browser `sent`; `ends` is what was chosen, empty for those of the stored text.

    Mixed ends stay only in a text that was not changed; a changed one gets LF.
    """
    kept = ends_of(stored)
    lines = LINE_END.sub("\n", sent)
    ends = ends or kept
    if ends == kept and lines == LINE_END.sub("\n", stored):
        return stored
    return lines.replace("\n", "\r\n") if ends == "crlf" else lines
