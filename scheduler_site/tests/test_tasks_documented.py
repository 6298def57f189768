"""The tasks of docs/tasks.md: each has its tests in a browser, which do it in the ways that stand there."""

from __future__ import annotations

import re

from django.conf import settings

TASK = re.compile(r"^\| (\d+) \| .* \(([NKPS, ]+)\) \| .* \| (`test_[^|]+`) \|$", re.MULTILINE)
TEST = re.compile(r'^(?:@ways\("(\w+)"\)\n)?def (test_\w+)', re.MULTILINE)


def ways_of_tests() -> dict[str, set[str]]:
    """The letters of each test, but for the mouse."""
    found = {}
    for path in (settings.BASE_DIR / "tests_browser").glob("test_*.py"):
        for letters, name in TEST.findall(path.read_text()):
            found[name] = set(letters) | ({"K"} if "_by_keys" in name else set())
    return found


def test_each_of_the_twenty_tasks_is_done_in_a_browser_in_the_ways_that_are_said() -> None:
    text = (settings.BASE_DIR / "docs" / "tasks.md").read_text(encoding="utf-8")
    there, said, done = ways_of_tests(), {}, {}
    for number, letters, tests in TASK.findall(text):
        said[int(number)] = set(letters.split(", "))
        done[int(number)] = set().union(*(there[name] for name in re.findall(r"test_\w+", tests)))
    assert list(said) == list(range(1, 21))
    assert done == said
