"""Where Belfry begins, for addresses that have no name, and for pages that may not ask for one."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def base_path() -> str:
    """`/belfry`; empty at the root of a host."""
    return str(settings.BASE_PATH)
