"""Values as they may be shown."""

from __future__ import annotations

from typing import Any

from django import template

from scheduler_site.lib import credentials

register = template.Library()


@register.filter
def without_credentials(value: Any) -> Any:
    """Options, metadata or a definition with a mask in the place of every credential."""
    return credentials.masked(value)
