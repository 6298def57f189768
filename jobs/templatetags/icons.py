"""Icons from the sprite in static/icons.svg; they stand beside words and are hidden from screen readers."""

from __future__ import annotations

from functools import cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """One symbol of the sprite, as large as the text around it."""
    return _drawn(static("icons.svg"), name)


@cache  # a page has hundreds, of a few dozen kinds
def _drawn(sprite: str, name: str) -> SafeString:
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', sprite, name)
