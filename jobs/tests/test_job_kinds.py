"""Whatever a kind of job needs is there for each: a runner, words for people, an icon, its options in the API's document."""

from __future__ import annotations

from typing import get_type_hints

import pytest
from django.conf import settings
from django.utils.html import escape

from accounts.models import User
from jobs.models import Job
from jobs.runners import RUNNERS
from jobs.tests.pages import browser

ICONS = (settings.BASE_DIR / "static" / "icons.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", Job.Kind.values)
def test_a_kind_is_complete(kind: str) -> None:
    runner = RUNNERS[kind]
    assert runner.kind == kind
    assert runner.label
    assert str(runner.about).endswith(".")
    assert f'id="{kind}"' in ICONS
    assert runner.needs_code_right == (kind in Job.CODE_KINDS)
    assert set(get_type_hints(runner.options_form.described)) == set(runner.options_form.base_fields)


def test_whoever_chooses_a_kind_reads_what_it_does(ada: User) -> None:
    page = browser(ada).get("/jobs/new").content.decode()
    assert all(escape(str(runner.about)) in page for runner in RUNNERS.values())


def test_the_form_says_of_secrets_what_the_kind_makes_of_them(ada: User) -> None:
    for kind, runner in RUNNERS.items():
        page = browser(ada).get(f"/jobs/new?kind={kind}").content.decode()
        said = {
            other
            for other, one in RUNNERS.items()
            if one.secrets_help and escape(str(one.secrets_help)) in page
        }
        assert said == ({kind} if runner.secrets_help else set())


def test_nothing_runs_that_is_no_kind() -> None:
    assert set(RUNNERS) == set(Job.Kind.values)
