"""A table of a page: its columns have names in the reader's language, and what is in it stays text."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from django.template import Context, Template
from django.utils.safestring import mark_safe
from django.utils.translation import override

PAGE = '{% load tables %}{% table _("Name") column actions=may %}<tr><td>{{ text }}</td></tr>{% endtable %}'


def shown(**values: object) -> str:
    return Template(PAGE).render(Context({"column": "<b>", "text": "<script>", **values}))


def test_texts_of_columns_and_cells_are_inert() -> None:
    page = shown(may=True)
    assert '<th scope="col">&lt;b&gt;</th>' in page
    assert "<td>&lt;script&gt;</td>" in page


@pytest.mark.parametrize("language", ["zh-hant", "ja"])
def test_columns_are_named_in_the_language_of_the_reader(language: str) -> None:
    with override(language):
        assert '<th scope="col">Name</th>' not in shown(may=False)


def test_the_column_of_actions_is_there_only_for_those_who_have_some() -> None:
    assert "Actions" in shown(may=True)
    assert "Actions" not in shown(may=False)


class Row(NamedTuple):
    name: str
    size: int


def listed(page: str, **values: object) -> str:
    return Template(f"{{% load i18n tables %}}{page}").render(Context(values))


def test_each_row_gets_the_same_content_with_its_own_texts() -> None:
    rows = [Row("<b>", 1), Row("{size}", 2)]
    page = "{% each rows dots=dots %}<li title='{name}'>{% if may %}{size}{% endif %} {dots} {name}</li>{% endeach %}"
    assert listed(page, rows=rows, may=True, dots=[mark_safe("<i>"), "&"]) == (
        "<li title='&lt;b&gt;'>1 <i> &lt;b&gt;</li><li title='{size}'>2 &amp; {size}</li>"
    )
    assert listed(page, rows=[], dots=[]) == ""
