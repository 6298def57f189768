"""Apps stand on each other in one order, and rooms too: nothing leads back to where it came from."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from django.conf import settings

# Lowest first: an app imports only from those before it.
ORDER = (
    "audit",
    "accounts",
    "notifications",
    "incidents",
    "environments",
    "jobs",
    "executions",
    "compat",
    "themes",
)
APPS = [app for app in ORDER if (settings.BASE_DIR / app).is_dir()]
# What of the project package any app may use; these import no app.
LEAVES = ("lib", "rest", "settings", "checks", "middleware", "front", "openapi")
# The rooms of the ledger, lowest first.
LEDGER = ("alerting", "ledger", "bulk", "monitoring", "upkeep", "worker", "pages", "rest")
# Django looks for these in a folder of their own; what they hold belongs to the pages.
PAGES = {"executions.templatetags": "executions.pages", "jobs.templatetags": "jobs.pages"}


@cache
def modules() -> dict[str, Path]:
    """The modules of the project by their dotted names, without tests and migrations."""
    found = {}
    for app in (*APPS, "scheduler_site"):
        for path in (settings.BASE_DIR / app).rglob("*.py"):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            if not {"tests", "migrations"} & set(parts):
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(name: str, path: Path) -> Iterator[str]:
    """The dotted names that a module imports when it runs, inside functions too; annotations may name what is above."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


@cache
def used() -> dict[str, set[str]]:
    """Which modules of the project each of them imports."""

    def found(name: str) -> str:
        while name and name not in modules():
            name = name.rpartition(".")[0]
        return name

    return {
        name: {found(one) for one in imports(name, path)} - {"", name} for name, path in modules().items()
    }


def room(name: str) -> str:
    """`executions.ledger` for all that is in it; a module at the top of its app is a room by itself."""
    place = ".".join(name.split(".")[:2])
    return PAGES.get(place, place)


@pytest.mark.parametrize("app", APPS)
def test_an_app_imports_nothing_from_above(app: str) -> None:
    above = set(ORDER[ORDER.index(app) + 1 :])
    wrong = [
        f"{name} imports {other}"
        for name, others in used().items()
        for other in others
        if name.split(".")[0] == app
        and (other.split(".")[0] in above or other.startswith("scheduler_site.urls"))
    ]
    assert wrong == []


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_of_the_project_package_imports_no_app(leaf: str) -> None:
    prefix = f"scheduler_site.{leaf}"
    leaves = [name for name in modules() if name == prefix or name.startswith(f"{prefix}.")]
    assert leaves
    assert [name for name in leaves if {other.split(".")[0] for other in used()[name]} & set(APPS)] == []


def test_no_module_leads_back_to_itself() -> None:
    assert circle(used()) == []


def test_no_room_leads_back_to_itself() -> None:
    rooms: dict[str, set[str]] = {}
    for name, others in used().items():
        rooms.setdefault(room(name), set()).update(map(room, others))
    assert circle({name: others - {name} for name, others in rooms.items()}) == []


@pytest.mark.parametrize("name", LEDGER)
def test_a_room_of_the_ledger_imports_only_from_rooms_below_it(name: str) -> None:
    above = {f"executions.{one}" for one in LEDGER[LEDGER.index(name) + 1 :]}
    mine = [one for one in modules() if room(one) == f"executions.{name}"]
    assert mine
    assert [f"{one} imports {other}" for one in mine for other in used()[one] if room(other) in above] == []


def test_no_room_is_crowded() -> None:
    """A room that outgrows this is two: see the table of rooms in docs/development.md."""
    counts: Counter[str] = Counter()
    for path in settings.BASE_DIR.rglob("*.py"):
        inside = path.relative_to(settings.BASE_DIR)
        if path.name != "__init__.py" and not ELSEWHERE & set(inside.parts):
            counts[str(inside.parent)] += 1
    assert {folder: count for folder, count in counts.items() if count > MOST} == {}


def test_no_file_is_too_long_to_read_at_once() -> None:
    long = {name: path.read_text(encoding="utf-8").count("\n") for name, path in modules().items()}
    assert {name: lines for name, lines in long.items() if lines > LONGEST} == {}


def test_no_folder_of_a_room_leads_back_to_itself() -> None:
    """The modules beside a folder are rooms by themselves: none of them stands both above and below the folder."""
    wrong = {}
    for depth in (3, 4):
        graph: dict[str, set[str]] = {}
        for name, others in used().items():
            graph.setdefault(cut(name, depth), set()).update(cut(other, depth) for other in others)
        wrong[depth] = circle({name: others - {name} for name, others in graph.items()})
    assert wrong == {3: [], 4: []}


def cut(name: str, depth: int) -> str:
    return ".".join(name.split(".")[:depth])


MOST = 15
LONGEST = 350
ELSEWHERE = {"tests", "tests_browser", "migrations", ".venv", "var", "node_modules"}


def test_the_picture_in_the_readme_is_drawn_from_the_code() -> None:
    """The apps, their folders, and the imports between apps that do not follow from others."""
    graph: dict[str, set[str]] = {app: set() for app in APPS}
    for name, others in used().items():
        if (app := cut(name, 1)) in graph:
            graph[app] |= {cut(other, 1) for other in others} - {app}
    arrows = {(app, other) for app in graph for other in graph[app] - below(graph, app)}
    text = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
    picture = next(part for part in text.split("```mermaid")[1:] if "compat[" in part).partition("```")[0]
    drawn = {(one, other) for one, other in re.findall(r"(\w+) --> (\w+)", picture)}
    assert drawn == {(app, other.replace("scheduler_site", "site")) for app, other in arrows}
    folders = {app: found.split() for app, found in re.findall(r'(\w+)\["\1<br>(.*?)"\]', picture)}
    assert folders == {app: sorted(rooms_of(app)) for app in APPS}


def below(graph: dict[str, set[str]], app: str) -> set[str]:
    """What an app imports through others."""
    found: set[str] = set()
    waiting = list(graph[app])
    while waiting:
        further = graph.get(waiting.pop(), set()) - found
        found |= further
        waiting += further
    return found


def rooms_of(app: str) -> set[str]:
    rooms = {name.split(".")[1] for name in modules() if name.count(".") > 1 and name.startswith(f"{app}.")}
    return {f"{room}/" for room in rooms - {"management", "templatetags"}}


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []
