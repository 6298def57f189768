"""The tasks of docs/tasks.md: each has its test in a browser."""

from __future__ import annotations

import re

from django.conf import settings


def test_each_of_the_twenty_tasks_has_a_test_in_a_browser() -> None:
    text = (settings.BASE_DIR / "docs" / "tasks.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \d+ \|.*\| `(test_\w+)` \|$", text, re.MULTILINE)
    folder = settings.BASE_DIR / "tests_browser"
    there = {
        name
        for path in folder.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    assert len(named) == len(set(named)) == 20
    assert set(named) - there == set()
