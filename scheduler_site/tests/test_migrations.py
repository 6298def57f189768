"""Every migration from now on can be run while the release before it works: what would stop that is refused here.

The rules are in docs/development.md. A migration that takes something away (the second step, a release later) says so:
`contracts = "since 1.4 nobody reads it"`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED

from scheduler_site.lib.database.migrations import AddIndexConcurrently, RemoveIndexConcurrently

# The newest of each app when the rules began; what came before was never run beside an older release.
BEFORE = {
    "accounts": 6,
    "audit": 3,
    "compat": 0,
    "environments": 1,
    "executions": 13,
    "jobs": 13,
    "notifications": 3,
    "themes": 1,
}
# Tables of which an installation may have millions of rows.
BIG = {
    ("executions", "execution"),
    ("executions", "logchunk"),
    ("executions", "measurement"),
    ("audit", "entry"),
    ("notifications", "alert"),
}
TAKES_AWAY = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)


def refusals(migration: Any, before: ProjectState) -> Iterator[str]:
    """What stands against running it beside the release before, whose tables are `before`."""
    made = {op.name.lower() for op in migration.operations if isinstance(op, migrations.CreateModel)}
    for operation in migration.operations:
        model = str(getattr(operation, "model_name", "") or getattr(operation, "name", "")).lower()
        table = (migration.app_label, model)
        if model not in made and (reason := _refusal(operation, table, migration, before)):
            yield f"{type(operation).__name__} {'.'.join(table)}: {reason}"


def _refusal(operation: Any, table: tuple[str, str], migration: Any, before: ProjectState) -> str:
    contracts = bool(getattr(migration, "contracts", ""))
    match operation:
        case migrations.AddField():
            return _adds(operation.field, table)
        case migrations.AlterField() if not contracts:
            old = before.models[table].fields[operation.name]
            return (
                "another column is added, and this one goes later"
                if _stored(old) != _stored(operation.field)
                else ""
            )
        case migrations.AddIndex() | migrations.RemoveIndex() if table in BIG:
            if not isinstance(operation, AddIndexConcurrently | RemoveIndexConcurrently):
                return "locks a big table; use AddIndexConcurrently, RemoveIndexConcurrently"
            return "needs `atomic = False`" if migration.atomic else ""
        case migrations.AddConstraint() if table in BIG and not contracts:
            return "checks a big table under a lock"
        case _ if isinstance(operation, TAKES_AWAY) and not contracts:
            return "the release before still uses it; a release later say why not, with `contracts`"
    return ""


def _adds(field: Any, table: tuple[str, str]) -> str:
    if not (field.null or field.many_to_many) and field.db_default is NOT_PROVIDED:
        return "the release before does not fill it; give it a db_default"
    if table in BIG and (field.unique or field.db_index):
        return "its index locks a big table; add it without, then AddIndexConcurrently"
    return ""


def _stored(field: Any) -> tuple[Any, ...]:
    """What of a field the database knows."""
    _name, path, args, options = field.deconstruct()
    kept = {name: value for name, value in options.items() if name not in (*field.non_db_attrs, "default")}
    return path, args, kept


def test_each_migration_can_be_run_beside_the_release_before() -> None:
    loader = MigrationLoader(None)
    ours = [
        node for node in loader.disk_migrations if node[0] in BEFORE and int(node[1][:4]) > BEFORE[node[0]]
    ]
    found = [
        f"{app}.{name}: {reason}"
        for app, name in sorted(ours)
        for reason in refusals(
            loader.disk_migrations[app, name], loader.graph.make_state((app, name), at_end=False)
        )
    ]
    assert not found, "\n".join(found)


def made(app: str, *operations: Any, **attributes: Any) -> Any:
    kept = {"operations": list(operations), **attributes}
    return type("Migration", (migrations.Migration,), kept)("0999_made", app)


RUN, JOB = "execution", "job"
INDEX = models.Index(fields=["worker"], name="x")
BAD = [
    ("db_default", made("jobs", migrations.AddField(JOB, "x", models.IntegerField(default=0)))),
    ("contracts", made("jobs", migrations.RemoveField(JOB, "client_form"))),
    ("contracts", made("jobs", migrations.RenameField(JOB, "client_form", "words"))),
    ("contracts", made("jobs", migrations.DeleteModel("Pause"))),
    ("another column", made("jobs", migrations.AlterField(JOB, "name", models.CharField(max_length=300, unique=True)))),
    ("Concurrently", made("executions", migrations.AddIndex(RUN, INDEX))),
    ("atomic", made("executions", AddIndexConcurrently(RUN, INDEX))),
    ("index", made("executions", migrations.AddField(RUN, "x", models.IntegerField(null=True, db_index=True)))),
    ("lock", made("executions", migrations.AddConstraint(RUN, models.UniqueConstraint(fields=["worker"], name="y")))),
]  # fmt: skip
GOOD = [
    made("jobs", migrations.AddField(JOB, "x", models.IntegerField(default=0, db_default=0))),
    made("jobs", migrations.AddField(JOB, "x", models.IntegerField(null=True))),
    made("jobs", migrations.RemoveField(JOB, "client_form"), contracts="since 1.4 nobody reads it"),
    made("jobs", migrations.AlterField(JOB, "kind", models.CharField(max_length=16, choices=[("a", "A")]))),
    made("executions", AddIndexConcurrently(RUN, INDEX), atomic=False),
    made("jobs", migrations.AddIndex(JOB, INDEX)),
]


@pytest.fixture(scope="module")
def tables() -> ProjectState:
    return MigrationLoader(None).project_state()


@pytest.mark.parametrize(("word", "migration"), BAD)
def test_what_locks_or_breaks_the_release_before_is_refused(
    word: str, migration: Any, tables: ProjectState
) -> None:
    (reason,) = refusals(migration, tables)
    assert word in reason


@pytest.mark.parametrize("migration", GOOD)
def test_what_only_adds_and_what_is_marked_is_let_through(migration: Any, tables: ProjectState) -> None:
    assert list(refusals(migration, tables)) == []
