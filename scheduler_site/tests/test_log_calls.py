"""What is said to the log must never be the error: `logging` raises KeyError for facts named like its own attributes."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

OWN = {*vars(logging.makeLogRecord({})), "message", "asctime"}
LEFT_OUT = {".venv", "var", "node_modules"}


def facts(path: Path) -> Iterator[str]:
    """The names of the facts that a file gives to the log, where they are written out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
            yield from (str(key.value) for key in node.value.keys if isinstance(key, ast.Constant))


def test_no_fact_that_is_logged_is_named_like_an_attribute_of_the_record() -> None:
    found = [
        f"{path.relative_to(settings.BASE_DIR)}: {name}"
        for path in Path(settings.BASE_DIR).rglob("*.py")
        if not LEFT_OUT & set(path.parts)
        for name in facts(path)
        if name in OWN
    ]
    assert found == []
