"""System check: the triggers that protect the audit trail are in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError, connections

from audit import append_only

HINT = (
    "manage.py shell -c 'from audit import append_only; from django.db import connection; append_only.install(connection)' "
    "with an account that may make triggers (MySQL with a binary log: log_bin_trust_function_creators=1 or SUPER)."
)


@register(Tags.database)
def protected(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """They are missing if the database account could not create them, or a table was recreated."""
    for alias in databases or ():
        try:
            tables = append_only.missing(connections[alias])
        except DatabaseError:
            continue
        if tables:
            text = f"The database lets anybody change or remove audit entries: no triggers on {', '.join(tables)}."
            yield checks.Warning(text, hint=HINT, id="audit.W001")
