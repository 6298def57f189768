"""Parts of pages that are the same in every answer: `{% load fixed %}`."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


class FixedNode(template.Node):
    """Worked out once for each language and each of its values; each process keeps what came out."""

    def __init__(self, nodelist: NodeList, values: dict[str, FilterExpression]) -> None:
        self.nodelist, self._values = nodelist, values
        self._known: dict[tuple[Hashable, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        values: dict[str, Any] = {name: value.resolve(context) for name, value in self._values.items()}
        key = (get_language(), get_script_prefix(), *values.values())
        if (known := self._known.get(key)) is None:
            # With nothing else of the page: what is not among the values cannot stand in it.
            known = self._known[key] = self.nodelist.render(context.new(values))
        return known


@register.tag
def fixed(parser: Parser, token: Token) -> FixedNode:
    """`{% fixed may=permissions %}` ... `{% endfixed %}`: depends on the language and on what it names; that has few values."""
    bits = token.split_contents()[1:]
    values = token_kwargs(bits, parser)
    if bits:
        raise template.TemplateSyntaxError("fixed takes values with names, such as may=permissions.")
    nodelist = parser.parse(("endfixed",))
    parser.delete_first_token()
    if nodelist.get_nodes_by_type(CsrfTokenNode):
        raise template.TemplateSyntaxError("A token of forms is another one each time: it cannot be fixed.")
    return FixedNode(nodelist, values)
