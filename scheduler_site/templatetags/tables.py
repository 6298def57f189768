"""Tables of the pages: wide ones scroll by themselves, and on a narrow screen each row is a card."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter

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


@register.simple_block_tag
def each(content: SafeString, rows: Sequence[object], **columns: Sequence[object]) -> SafeString:
    """`{% each rows dots=drawn %}<li>{name} {dots}</li>{% endeach %}`: the content for each row, `{name}` being its field.

    A name among `columns` stands for the value there that belongs to the row. The content is worked out once, so fifty rows
    cost little more than their texts. It may have no brace of its own: what people wrote comes through the names, escaped.
    """
    names = list(dict.fromkeys(name for _text, name, *_rest in Formatter().parse(content) if name))
    values = [columns.get(name) or [getattr(row, name) for row in rows] for name in names]
    return format_html_join(
        "", content, (dict(zip(names, row, strict=True)) for row in zip(*values, strict=True))
    )
