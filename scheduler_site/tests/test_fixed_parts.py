"""Parts of pages that are worked out once: each reader still gets his own."""

from __future__ import annotations

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client
from django.utils.translation import override

from accounts.models import User
from jobs.tests.pages import browser

PART = Template(
    "{% load fixed i18n %}{% fixed who=who %}{% translate 'Jobs' %} of {{ who }}{{ other }}{% endfixed %}"
)


def shown(**values: object) -> str:
    return PART.render(Context(values))


def test_it_is_another_one_for_each_value_and_each_language() -> None:
    assert [shown(who=who) for who in ("a", "b", "a")] == ["Jobs of a", "Jobs of b", "Jobs of a"]
    with override("zh-hant"):
        assert "Jobs" not in shown(who="a")


def test_it_is_worked_out_once() -> None:
    asked = []

    class Who:
        def __str__(self) -> str:
            asked.append(self)
            return "x"

    who = Who()
    assert shown(who=who) == shown(who=who) == "Jobs of x"
    assert len(asked) == 1


def test_nothing_else_of_the_page_gets_into_it() -> None:
    assert shown(who="c", other="a secret") == "Jobs of c"


def test_a_token_of_forms_is_refused_in_it() -> None:
    with pytest.raises(TemplateSyntaxError):
        Template("{% load fixed %}{% fixed %}{% csrf_token %}{% endfixed %}")


@pytest.mark.django_db
def test_the_frame_of_a_page_is_that_of_its_reader(ada: User, vic: User) -> None:
    """Whoever looked before: what leads to pages of administrators is for them."""
    may, may_not = (browser(user).get("/jobs").content.decode() for user in (ada, vic))
    for address in ("/admin/", "/audit", "/alerts", "/jobs/new"):
        assert (f'href="{address}"' in may, f'href="{address}"' in may_not) == (True, False), address
    assert 'id="palette"' not in Client().get("/login").content.decode()
