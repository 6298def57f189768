"""A table of a page: its columns have names in the reader's language, and what is in it stays text."""

from __future__ import annotations

import pytest
from django.template import Context, Template
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
