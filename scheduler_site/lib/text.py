"""Text from anywhere, for the database."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import pgettext

# What makes a spreadsheet calculate; the wide forms do in editions for Chinese and Japanese.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def storable(text: str) -> str:
    """Text that every database takes: no NUL (PostgreSQL), no lone surrogates (UTF-8)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def inert(cell: str) -> str:
    """A cell of a CSV file that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def enumerated(parts: Iterable[object]) -> str:
    """The parts of a list one after the other, as the active language separates them."""
    return pgettext("between the items of a list", ", ").join(map(str, parts))
