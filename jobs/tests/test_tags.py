"""Words that templates put together are escaped once."""

from __future__ import annotations

import pytest
from django.template import Context, Template

SAID = "{% load i18n timing %}{% translate what as said %}{% enumerated said where %}"


@pytest.mark.parametrize(
    ("what", "shown"),
    [("it's <b>", "it&#x27;s &lt;b&gt;, here &amp; there"), ("plain", "plain, here &amp; there")],
)
def test_a_part_that_was_translated_before_is_not_escaped_again(what: str, shown: str) -> None:
    assert Template(SAID).render(Context({"what": what, "where": "here & there"})) == shown
