"""Identifiers of this dialect: UUIDs as 32 digits, and the numbers of categories.

Category 0 is "all": no category for accounts, and General for jobs, where jobs of such accounts are kept. 1 is "dev", made
when this dialect is first used: it shows the key of General, and General that of dev. Every other category shows its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from uuid import UUID

from accounts.models import GENERAL, Category, slugify

ALL, ALL_NAME = 0, "all"
DEV = UUID("6d2b0c1e-0f0b-5b0e-9a53-0d5d1c9be001")
_ID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def number(text: object) -> int | None:
    """An id of a path or a body: a whole number or its digits; None for anything else."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text if 0 <= text < 2**63 else None
    if isinstance(text, str) and re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        return int(text)
    return None


def as_uuid(text: str) -> UUID | None:
    """32 hexadecimal digits, or the form with hyphens that other surfaces show."""
    return UUID(text) if _ID.fullmatch(text) else None


def slug_of(name: str) -> str:
    """For names without a letter or digit of ASCII one that is made of their hash: names in every script have one."""
    return slugify(name) if name.isascii() and slugify(name) else _hashed(name)


def free_slug(name: str, taken: Collection[str]) -> str:
    """The same for a new name: names may differ in nothing but what a slug leaves out, such as C and C++."""
    plain = slug_of(name)
    return _hashed(name) if plain in taken else plain


def _hashed(name: str) -> str:
    return f"{slugify(name)}-{hashlib.sha256(name.encode()).hexdigest()[:12]}".strip("-")


class Numbers:
    """The numbers of all categories, read once; disabled ones have theirs but are not found."""

    def __init__(self) -> None:
        rows = list(Category.objects.all())
        if not any(row.uid == DEV or row.slug == "dev" for row in rows):
            rows.append(Category.objects.get_or_create(slug="dev", defaults={"name": "dev", "uid": DEV})[0])
        self.general = next((row for row in rows if row.slug == GENERAL), None) or Category.general()
        self._rows = {row.pk: row for row in [*rows, self.general]}
        dev = next((row.pk for row in rows if row.uid == DEV), None)
        self._swapped: dict[int | None, int] = {}
        if dev:
            self._swapped = {dev: self.general.pk, self.general.pk: dev}

    def of(self, key: int | None) -> int:
        """The number of a category, or of none."""
        return ALL if key is None else self._swapped.get(key) or key

    def of_job(self, key: int | None) -> int:
        """The number that a job, a run or an entry of this category shows."""
        return ALL if key == self.general.pk else self.of(key)

    def find(self, key: int | None) -> Category | None:
        """The category with this number, where there is one that is not disabled."""
        row = self._rows.get(self._swapped.get(key) or key or 0)
        return row if row and row.is_active else None

    def named(self, name: str, *, but: Category | None = None) -> Category | None:
        """The category with this name, whatever its case; a disabled one only where there is no other."""
        found = [row for row in self._rows.values() if row != but and row.name.casefold() == name.casefold()]
        return max(found, key=lambda row: row.is_active, default=None)

    def free_slug(self, name: str, *, but: Category | None = None) -> str:
        return free_slug(name, {row.slug for row in self._rows.values() if row != but})

    def active(self) -> list[tuple[int, Category]]:
        found = [(self.of(row.pk), row) for row in self._rows.values() if row.is_active]
        return sorted(found, key=lambda one: one[0])
