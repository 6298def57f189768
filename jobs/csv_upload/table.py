"""From the bytes of a CSV file to its rows: what cannot be read without guessing is refused, with the line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, NamedTuple, TypedDict

from django.utils.translation import gettext as _

from jobs.models.fields import FIELDS

# Headers of each field in lower case; of several columns for one field the first that is not empty counts.
HEADERS: dict[str, tuple[str, ...]] = {
    "cron": ("cron schedule (jst)", "cron expression", "cron", "cron_expression"),
    "active": ("status", "is_active", "active"),
    "target_url": ("target url", "target_url", "url"),
    "dispatch": ("dispatch url", "dispatch_url", "github dispatch url", "github_dispatch_url"),
    "owner": ("github owner", "owner", "github_owner"),
    "repo": ("repo", "github repo", "github_repo"),
    "workflow": ("workflow name", "github workflow name", "github_workflow_name"),
    "branch": ("branch", "ref"),
    "script": ("script",),
    "script_path": ("script path", "script_path"),
    "arguments": ("arguments",),
    "timezone": ("time zone", "timezone", "time_zone", "tz"),
    "day_rule": ("day rule", "day_rule"),
    "schedule_kind": ("schedule kind", "schedule_kind"),
    "every": ("every",),
    "period": ("period",),
    "at": ("at", "run at", "run_at"),
    "kind": ("kind", "job kind", "job_kind"),
    "options": ("options",),
    "job_class": ("job class", "job_class"),
    "notification_emails": ("notification emails", "notification_emails", "emails"),
    "notify_on_success": ("notify on success", "notify_on_success"),
    **{one.name: one.columns for one in FIELDS if one.columns},
}
# Columns whose cells are kept as they are: blanks at the ends of a script are part of it.
EXACT = frozenset(HEADERS["script"])
KNOWN = {header for headers in HEADERS.values() for header in headers}
SEPARATORS = (",", ";", "\t")
# The line with which spreadsheets are told how a file is separated.
_SEPARATOR = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE)
# Blank rows are not counted as rows, but they are not read without end either.
BLANK_FACTOR = 10


class UnusableFile(ValueError):
    """Why the file as a whole is refused."""

    def __init__(self, message: str, label: str = "Invalid CSV") -> None:
        super().__init__(message)
        self.label = label


class Row(NamedTuple):
    """One row: its cells by field, without the empty ones; `ragged` says what is wrong with its shape."""

    cells: dict[str, str]
    ragged: str = ""


class BulkStats(TypedDict):
    """What was in the file."""

    original_column_count: Annotated[int, "Columns in the file."]
    original_row_count: Annotated[int, "Rows in the file, without the header."]
    removed_column_count: Annotated[int, "Columns without a header."]
    removed_empty_row_count: Annotated[int, "Blank rows."]


@dataclass(frozen=True)
class Table:
    """What is left of a file after columns without a header and blank rows were removed; `warnings` name what is not read."""

    rows: list[Row]
    stats: BulkStats
    warnings: list[str] = field(default_factory=list)


def read(data: bytes, *, most: int) -> Table:
    """The rows of a CSV file in UTF-8, with or without a byte order mark. Raises UnusableFile.

    Cells are separated by commas, semicolons or tabs, as a first line `sep=;` says, else as the header does.

    Refused are other encodings, NUL characters, quotes that do not match (RFC 4180), cells of more than 128 KiB, a header
    without any known column or with one twice, and more than `most` rows.
    """
    lines = _lines(*_separated(_decoded(data)))
    header = [cell.strip() for cell in next(lines, [])]
    names = {position: name.lower() for position, name in enumerate(header) if name}
    _check_header(list(names.values()))
    rows: list[Row] = []
    nameless: set[int] = set()
    total = 0
    for total, line in enumerate(lines, start=1):
        cells = [cell if names.get(at) in EXACT else cell.strip() for at, cell in enumerate(line)]
        if any(map(str.strip, cells)):
            rows.append(_row(cells, names, len(header)))
            nameless.update(at for at, cell in enumerate(cells[: len(header)]) if cell and at not in names)
        if len(rows) > most or total > most * BLANK_FACTOR:
            raise UnusableFile(_("The file has more than %(most)d rows.") % {"most": most}, "Too many rows")
    stats: BulkStats = {
        "original_column_count": len(header),
        "original_row_count": total,
        "removed_column_count": len(header) - len(names),
        "removed_empty_row_count": total - len(rows),
    }
    return Table(rows, stats, [*_unread(header, names), *map(_nameless, sorted(nameless))])


def _unread(header: list[str], names: dict[int, str]) -> Iterator[str]:
    yield from (_unknown(name) for name in header if name and name.lower() not in KNOWN)
    for headers in HEADERS.values():
        same = [header[at] for at, name in names.items() if name in headers]
        if len(same) > 1:
            text = _("The columns %(names)s mean the same: of each row only one of them is read.")
            yield text % {"names": ", ".join(f"“{name[:100]}”" for name in same)}


def _nameless(at: int) -> str:
    return _("Column %(number)d has no name and is not read.") % {"number": at + 1}


def _unknown(name: str) -> str:
    close = get_close_matches(name.lower(), sorted(KNOWN), n=1, cutoff=0.8)
    meant = _(" Is “%(name)s” meant?") % {"name": close[0]} if close else ""
    return _("The column “%(name)s” is unknown and is not read.") % {"name": name[:100]} + meant


def _separated(text: str) -> tuple[str, str]:
    """The text from its header on, and the character between its cells: the one that shows the most columns that are known."""
    if said := _SEPARATOR.match(text):
        return text[said.end() :], said[1]
    first = next(iter(text.splitlines()), "")

    def known(separator: str) -> int:
        return len(KNOWN.intersection(name.strip(' "').lower() for name in first.split(separator)))

    return text, max(SEPARATORS, key=known)


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnusableFile(_("The file is in UTF-16. Save it as CSV in UTF-8."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = _(
            "Line %(line)d is not in UTF-8 (in Latin-1 or Shift JIS?). Save the file as CSV in UTF-8."
        )
        raise UnusableFile(problem % {"line": line}) from error
    if not text.strip():
        raise UnusableFile(_("The file is empty."))
    if "\0" in text:
        raise UnusableFile(_("The file contains NUL characters (is it in UTF-16?). Save it as CSV in UTF-8."))
    return text


def _lines(text: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    try:
        yield from reader
    except csv.Error as error:
        problem = _("Line %(line)d cannot be read: %(reason)s.") % {
            "line": reader.line_num,
            "reason": str(error),
        }
        raise UnusableFile(problem) from error


def _check_header(names: list[str]) -> None:
    if not KNOWN.intersection(names):
        raise UnusableFile(
            _("The first line names no known column, such as: Job Name, Cron expression, Target URL.")
        )
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise UnusableFile(_("The column “%(name)s” appears twice.") % {"name": twice[:100]})


def _row(cells: list[str], names: dict[int, str], width: int) -> Row:
    given = {name: cells[position] for position, name in names.items() if position < len(cells)}
    found: dict[str, str] = {}
    for name, headers in HEADERS.items():
        if value := next((given[header] for header in headers if given.get(header, "").strip()), ""):
            found[name] = value
    # A row that was cut off, or one with an unquoted comma, says something else than it was meant to.
    if max(names) < len(cells) and not any(cells[width:]):
        return Row(found)
    problem = _("The row has %(cells)d cells, the header %(columns)d. Texts with commas need quotes.")
    return Row(found, problem % {"cells": len(cells), "columns": width})
