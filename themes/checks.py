"""Warns about a registry that any client on the network can change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - so it is called there

KNOWN_SALT = "nchu"


@register(Tags.security)
def salt(**_: Any) -> Iterable[CheckMessage]:
    """With the guide's salt, anyone who reaches the server can create a token for any name."""
    if settings.PRODUCTION and settings.OPERATOR_TOKEN_SALT == KNOWN_SALT:
        hint = "Set OPERATOR_TOKEN_SALT, which clients must know too; or THEMES_ENABLED=false if there is no registry."
        yield Warning(
            "The theme registry takes tokens with the well-known salt.", hint=hint, id="themes.W001"
        )
