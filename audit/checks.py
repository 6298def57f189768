"""Tells when the database does not keep the trail as it was written."""

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
    """Triggers may be missing: the account could not make them, or a table was made anew without them."""
    for alias in databases or ():
        try:
            tables = append_only.missing(connections[alias])
        except DatabaseError:
            continue
        if tables:
            text = f"The database lets anybody change or remove audit entries: no triggers on {', '.join(tables)}."
            yield checks.Warning(text, hint=HINT, id="audit.W001")
