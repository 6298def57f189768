"""What the code imports is named in requirements.txt, not left to what something else happens to need."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

from django.conf import settings

from scheduler_site.tests.sources import python_files

# Asked for by one job class, which says so where it is missing.
OPTIONAL = {"httpx"}
NOT_PROGRAMS = {"bench", "tests", "conftest.py"}


def plain(name: str) -> str:
    return re.split(r"[\[=<>;]", name.strip())[0].lower().replace("_", "-")


def named() -> set[str]:
    lines = (settings.BASE_DIR / "requirements.txt").read_text().splitlines()
    return {plain(line) for line in lines if line and not line.startswith(("#", "-"))}


def imported() -> Iterator[tuple[str, str]]:
    """The top-level modules that are neither of Python nor of the project, and the file that imports each."""
    own = {path.stem for path in settings.BASE_DIR.iterdir()}
    for path in python_files():
        parts = path.relative_to(settings.BASE_DIR).parts
        if NOT_PROGRAMS & set(parts) or parts[0].startswith("tests_"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found = [node.module]
            tops = {name.partition(".")[0] for name in found} - own - sys.stdlib_module_names
            yield from ((top, str(path)) for top in tops)


def test_every_package_that_is_imported_is_named() -> None:
    offered = packages_distributions()
    known = named() | OPTIONAL
    missing = {
        (top, path)
        for top, path in imported()
        if not {plain(package) for package in offered.get(top, [top])} & known
    }
    assert missing == set()
