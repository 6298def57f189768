"""Tables of the pages: wide ones scroll by themselves, and on a narrow screen each row is a card."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_block_tag
def table(content: SafeString, *columns: str, actions: bool = False, label: str = "") -> SafeString:
    """`{% table _("Name") _("Since") actions=True %}` and the rows.

    `actions`: a last column, named for screen readers. `label`: of several on a page, what this one is of.
    """
    heads = format_html_join("", '<th scope="col">{}</th>', ((column,) for column in columns))
    if actions:
        heads += format_html('<th scope="col"><span class="sr">{}</span></th>', _("Actions"))
    return format_html(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table class="cards">'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        label or _("Table"),
        heads,
        content,
    )
