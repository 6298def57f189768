"""`manage.py migrate` beside a Belfry that works: locks, what was half done, and programs that come before it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangosCommand
from django.db import OperationalError, connection, migrations, models
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ProgrammingError

from accounts.models import User
from conftest import Api
from executions.models import Heartbeat
from scheduler_site.lib.database import migrations as ours
from scheduler_site.management.commands import migrate
from scheduler_site.running import pending_migrations


class LockNotAvailable(Exception):
    sqlstate = "55P03"


def a_lock() -> OperationalError:
    error = OperationalError("canceling statement due to lock timeout")
    error.__cause__ = LockNotAvailable()
    return error


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What Django's own command does each time, in turn."""
    steps: list[Callable[[], None]] = []
    monkeypatch.setattr(DjangosCommand, "handle", lambda *_, **__: steps.pop(0)())
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0)
    return steps


def fail(error: Exception) -> Callable[[], None]:
    def step() -> None:
        raise error

    return step


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_is_not_free_is_asked_for_again(handled: list[Any]) -> None:
    handled += [fail(a_lock()), fail(a_lock()), lambda: None]
    call_command("migrate", verbosity=0)
    assert handled == []


@pytest.mark.django_db(transaction=True)
def test_what_does_not_pass_is_raised_at_once(handled: list[Any]) -> None:
    handled += [fail(ProgrammingError("syntax")), lambda: None]
    with pytest.raises(ProgrammingError):
        call_command("migrate", verbosity=0)
    assert len(handled) == 1


@pytest.mark.django_db(transaction=True)
def test_locks_are_waited_for_shortly_and_statements_have_no_limit() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer, and no time limits")
    query = {
        "postgresql": "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')",
        "mysql": "SELECT @@lock_wait_timeout, @@innodb_lock_wait_timeout",
    }[connection.vendor]

    def limits() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()

    before = limits()
    with ours.patient(connection):
        assert limits() == {"postgresql": ("0", "5s"), "mysql": (5, 5)}[connection.vendor]
    assert limits() == before


class Half(migrations.Migration):
    """Adds two columns to heartbeats; in between the connection breaks, as often as `breaks` says."""

    breaks = 0

    @staticmethod
    def _break(*_: Any) -> None:
        if Half.breaks:
            Half.breaks -= 1
            raise OperationalError("gone")

    operations = [
        migrations.AddField("heartbeat", "one", models.IntegerField(null=True)),
        migrations.AddField("heartbeat", "key", models.ForeignKey("self", null=True, on_delete=models.CASCADE)),
        migrations.RunPython(lambda *args: Half._break(*args), migrations.RunPython.noop),
        migrations.AddField("heartbeat", "two", models.IntegerField(null=True, db_index=True)),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_was_left_half_done_goes_on() -> None:
    executor = ours.ResumingExecutor(connection)
    state = executor.loader.project_state()
    half = Half("9000_half", "executions")
    Half.breaks = 1
    try:
        with pytest.raises(OperationalError):
            executor.apply_migration(state.clone(), half)
        executor.apply_migration(state.clone(), half)
        assert {"one", "two", "key_id"} <= columns()
        begun = [app for app, _name in executor.recorder.applied_migrations() if app.endswith(ours.BEGUN)]
        assert begun == []
    finally:
        executor.unapply_migration(executor.loader.project_state(), half)


def columns() -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, Heartbeat._meta.db_table)
    return {column.name for column in found}


@pytest.mark.django_db(transaction=True)
def test_new_programs_wait_for_the_migrations_and_say_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [["executions.9000_next"], ["executions.9000_next"], []]
    monkeypatch.setattr(pending_migrations, "missing", lambda: answers.pop(0))
    waiting = threading.Thread(target=pending_migrations.wait, args=(0.01,))
    waiting.start()
    waiting.join(10)
    assert answers == []
    said = [record.message for record in caplog.records if record.name == "scheduler_site.schema"]
    assert said == ["schema_waits", "schema_ready"]


@pytest.mark.django_db
def test_nothing_is_missing_when_all_were_run_and_no_migration_is_loaded_to_see_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pending_migrations, "MigrationExecutor", None)
    assert pending_migrations.missing() == []


@pytest.mark.django_db
def test_a_migration_that_was_not_run_is_missing() -> None:
    recorder = MigrationRecorder(connection)
    *_, last = sorted(name for app, name in recorder.applied_migrations() if app == "executions")
    recorder.record_unapplied("executions", last)
    assert pending_migrations.missing() == [f"executions.{last}"]


def test_a_column_that_is_not_there_yet_is_503_and_not_500(
    api: Api, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class UndefinedColumn(Exception):
        sqlstate = "42703"

    def refuse(*_: Any, **__: Any) -> None:
        raise ProgrammingError("column jobs_job.next does not exist") from UndefinedColumn()

    monkeypatch.setattr("jobs.models.JobQuerySet.visible_to", refuse)
    answer = api(ada).get("/api/jobs")
    assert answer.status_code == 503
    assert "Retry-After" in answer
