"""The apps stand on each other in one order; an import upwards is a mistake."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

# Lowest first: an app imports only from those before it.
ORDER = ("audit", "accounts", "notifications", "environments", "jobs", "executions", "compat", "themes")
APPS = [app for app in ORDER if (settings.BASE_DIR / app).is_dir()]


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports when it runs; relative ones stay in their app."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue  # Annotations may name what is above.
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("app", APPS)
def test_an_app_imports_nothing_from_above(app: str) -> None:
    above = set(ORDER[ORDER.index(app) + 1 :])
    wrong = [
        f"{path.relative_to(settings.BASE_DIR)} imports {name}"
        for path in (settings.BASE_DIR / app).rglob("*.py")
        if "tests" not in path.parts  # Tests may need somebody from above to act.
        for name in imports(path)
        if name.split(".")[0] in above or name.startswith("scheduler_site.urls")
    ]
    assert wrong == []
