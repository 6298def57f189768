"""What a page shows of an artifact: the beginning of a text, the first rows of a table, or an image.

Decided by what is in the file, not by what its name promises. Whatever a browser might take for a document of its own (HTML,
SVG, XML) is not shown at all.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import uuid
from dataclasses import dataclass, field
from typing import Literal

from executions.ledger import artifacts
from executions.models import Artifact

HEAD = 64 * 1024
# Characters of a text.
TEXT = 16 * 1024
ROWS, COLUMNS, CELL = 50, 30, 200
# A larger image is for downloading.
LARGEST_IMAGE = 8 * 1024 * 1024
IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
SEPARATORS = {".csv": ",;", ".tsv": "\t"}
DOCUMENTS = (".svg", ".svgz", ".html", ".htm", ".xhtml", ".shtml", ".xml", ".xsl", ".mht", ".mhtml")
MARKUP = re.compile(r"\s*(<!|<\?xml|<(html|svg|head|body|script)\b)", re.IGNORECASE)
# What no text has in it, but for tabs, line ends, form feeds and the escapes of terminals.
BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True)
class Preview:
    """`cut`: there is more than is shown. The first of the rows has the names of the columns."""

    kind: Literal["gone", "none", "image", "text", "table"] = "none"
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    cut: bool = False


def of(run: uuid.UUID, artifact: Artifact) -> Preview:
    try:
        with artifacts.opened(run, artifact) as file:
            head = file.read(HEAD)
            cut = bool(file.read(1))
    except OSError:
        return Preview("gone")
    if image_type(head):
        return Preview("image") if artifact.size <= LARGEST_IMAGE else Preview()
    name = artifact.name.lower()
    text = _text(head, cut)
    if text is None or name.endswith(DOCUMENTS) or MARKUP.match(text):
        return Preview()
    for ending, separators in SEPARATORS.items():
        if name.endswith(ending) and (table := _table(text, separators, cut)):
            return table
    return Preview("text", text=text[:TEXT], cut=cut or len(text) > TEXT)


def shown_as(run: uuid.UUID, artifact: Artifact) -> str:
    """The media type of an image that may be shown; empty for everything else. Raises FileNotFoundError."""
    with artifacts.opened(run, artifact) as file:
        return image_type(file.read(16))


def image_type(head: bytes) -> str:
    """The media type of an image that browsers show and that can hold no script, by its first bytes; else nothing."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in IMAGES.items() if head.startswith(magic)), "")


def _text(head: bytes, cut: bool) -> str | None:
    """None for what is no text in UTF-8; a character that was cut in two at the end is left out."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=not cut)
    except UnicodeDecodeError:
        return None
    return None if BINARY.search(text) else text


def _table(text: str, separators: str, cut: bool) -> Preview | None:
    """The first rows; None where it cannot be read as a table."""
    first = text.partition("\n")[0]
    separator = max(separators, key=first.count)
    lines = io.StringIO(text.rpartition("\n")[0] if cut else text, newline="")
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=separator):
            if len(rows) > ROWS:
                cut = True
                break
            rows.append([cell if len(cell) <= CELL else f"{cell[:CELL]}…" for cell in row[:COLUMNS]])
            cut = cut or len(row) > COLUMNS
    except csv.Error:
        return None
    if not rows:
        return None
    # The first line has the names of the columns.
    width = max(map(len, rows))
    return Preview("table", rows=[row + [""] * (width - len(row)) for row in rows], cut=cut)
