"""Case-insensitive searches, on MySQL and MariaDB too.

There names are compared exactly (utf8mb4_bin), and Django leaves it to the collation whether case counts in `icontains` and
`iexact`; so these name another one for their comparison.
"""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, TextField
from django.db.models.lookups import IContains, IExact

ANY_CASE = "utf8mb4_unicode_ci"


class _AnyCase:
    def as_mysql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        sql, parameters = self.as_sql(compiler, connection)  # type: ignore[attr-defined]
        return f"{sql} COLLATE {ANY_CASE}", parameters


class ContainsInAnyCase(_AnyCase, IContains):
    pass


class ExactInAnyCase(_AnyCase, IExact):
    pass


def register() -> None:
    for field in (CharField, TextField):
        for lookup in (ContainsInAnyCase, ExactInAnyCase):
            field.register_lookup(lookup)
