"""Icons from the sprite in static/icons.svg; they stand beside words and are hidden from screen readers."""

from __future__ import annotations

from functools import cache

from django import template
from django.templatetags.static import static
from django.urls import get_script_prefix
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """One symbol of the sprite, as large as the text around it."""
    return _drawn(name, get_script_prefix())


@cache  # a page has hundreds, of a few dozen kinds; where the file lies depends on the prefix
def _drawn(name: str, _prefix: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name
    )
