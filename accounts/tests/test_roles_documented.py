"""docs/security.md has the role table as the code has it."""

from __future__ import annotations

import re

from django.conf import settings

from accounts import roles

PATH = settings.BASE_DIR / "docs" / "security.md"
TABLE = re.compile(r"(?<=<!-- roles -->\n).*?(?=<!-- /roles -->)", re.DOTALL)


def written() -> str:
    """One line for each permission: who has it by role, or by the right to run code."""
    lines = ["| permission | viewer | user | admin |", "|---|---|---|---|"]
    for permission in sorted(roles.ADMIN):
        code = "with the right to run code" if permission in roles.CODE else ""
        cells = ["yes" if permission in roles.TABLE[role] else "" for role in ("viewer", "user", "admin")]
        cells[1] = cells[1] or code
        lines.append(f"| `{permission}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_the_manual_has_the_role_table_of_the_code() -> None:
    found = TABLE.search(PATH.read_text(encoding="utf-8"))
    assert found
    assert found[0] == written()
