"""Whatever a kind of job needs is there for each: a runner, words for people, an icon, its options in the API's document."""

from __future__ import annotations

import pytest
from django.conf import settings

from jobs.models import Job
from jobs.rest.schema_job import OPTIONS
from jobs.runners import RUNNERS

ICONS = (settings.BASE_DIR / "static" / "icons.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", Job.Kind.values)
def test_a_kind_is_complete(kind: str) -> None:
    runner = RUNNERS[kind]
    assert runner.kind == kind
    assert runner.label
    assert str(runner.about).endswith(".")
    assert f'id="{kind}"' in ICONS
    assert runner.needs_code_right == (kind in Job.CODE_KINDS)
    described = [set(schema["properties"]) for schema in OPTIONS["anyOf"]]
    assert set(runner.options_form.base_fields) in described


def test_nothing_runs_that_is_no_kind() -> None:
    assert set(RUNNERS) == set(Job.Kind.values)
