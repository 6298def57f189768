"""The base path, for URLs that have no name in the URLconf."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def base_path() -> str:
    """`/belfry`; empty at the root of a host."""
    return str(settings.BASE_PATH)
