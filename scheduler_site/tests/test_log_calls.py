"""What is said to the log must never be the error: `logging` raises KeyError for facts named like its own attributes."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from scheduler_site.tests.sources import python_files

OWN = {*vars(logging.makeLogRecord({})), "message", "asctime"}


def facts(path: Path) -> Iterator[str]:
    """The names of the facts that a file gives to the log, where they are written out."""
    text = path.read_text(encoding="utf-8")
    # Most files have none, and parsing all would take seconds.
    for node in ast.walk(ast.parse(text)) if "extra" in text else ():
        if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
            yield from (str(key.value) for key in node.value.keys if isinstance(key, ast.Constant))


def test_no_fact_that_is_logged_is_named_like_an_attribute_of_the_record() -> None:
    found = [
        f"{path.relative_to(settings.BASE_DIR)}: {name}"
        for path in python_files()
        for name in facts(path)
        if name in OWN
    ]
    assert found == []
