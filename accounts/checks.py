"""Refuses a production system whose administrator has the password that everybody knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError


@register(Tags.database)
def default_admin(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """An administrator still has the default password."""
    if not settings.PRODUCTION or not databases:
        return []
    # Imported here as every process loads this module, and few run this check.
    from accounts import verbs

    try:
        if not verbs.default_password_in_use():
            return []
    except DatabaseError:
        return []  # There are no accounts before the first migration.
    hint = "Change it: manage.py changepassword admin"
    return [Error("An admin still has the password that everybody knows.", hint=hint, id="belfry.E013")]
