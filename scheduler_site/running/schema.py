"""New programs before the migrations: in a rolling upgrade some start first. They wait, and say so."""

from __future__ import annotations

import logging
import time

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

log = logging.getLogger("scheduler_site.schema")

PAUSE_SECONDS, SAY_SECONDS = 1.0, 30.0


def missing() -> list[str]:
    """The migrations of this code that the database has not had; raises what the database raises."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def wait(pause: float = PAUSE_SECONDS) -> None:
    """Returns when the database has what this code needs. One that is newer has it: see docs/operations.md, Upgrades."""
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
