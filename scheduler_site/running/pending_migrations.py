"""Programs that start before the migrations of a rolling upgrade were applied wait for them, and log it."""

from __future__ import annotations

import logging
import pkgutil
import time
from importlib.util import find_spec

from django.apps import apps
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

log = logging.getLogger("scheduler_site.schema")

PAUSE_SECONDS, SAY_SECONDS = 1.0, 30.0
# What `manage.py up` has seen to before it forks its programs: they need not look again.
_applied = False


def missing() -> list[str]:
    """The migrations of this code that the database has not had; raises what the database raises."""
    if _files() <= MigrationRecorder(connection).applied_migrations().keys():
        return []  # the usual case, in which no migration need be loaded
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def _files() -> set[tuple[str, str]]:
    """App and name of each migration, from the names of the files. `migrate` records replaced migrations as well."""
    found = set()
    for app in apps.get_app_configs():
        package, _explicit = MigrationLoader.migrations_module(app.label)
        spec = find_spec(package) if package else None
        folders = spec.submodule_search_locations if spec else None
        for _finder, name, is_package in pkgutil.iter_modules(folders or []):
            if not is_package and name[0] not in "_~":
                found.add((app.label, name))
    return found


def applied() -> None:
    """Tells this process, and those that it forks, that the database has all migrations of this code."""
    global _applied
    _applied = True


def wait(pause: float = PAUSE_SECONDS) -> None:
    """Returns when the database has what this code needs. One that is newer has it: see docs/operations.md, Upgrades."""
    if _applied:
        return
    said = -SAY_SECONDS
    while waits_for := _missing():
        if time.monotonic() - said >= SAY_SECONDS:
            log.warning("schema_waits", extra={"missing": ", ".join(waits_for), "run": "manage.py migrate"})
            said = time.monotonic()
        time.sleep(pause)
    if said > -SAY_SECONDS:
        log.warning("schema_ready")


def _missing() -> list[str]:
    try:
        return missing()
    except (Error, OSError) as error:
        return [str(error).strip().partition("\n")[0]]
    finally:
        connection.close()
