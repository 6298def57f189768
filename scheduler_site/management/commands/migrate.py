"""`manage.py migrate`: Django's own, while Belfry runs. See scheduler_site/lib/database/migrations.py."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.commands import migrate
from django.db import DatabaseError, connections

from scheduler_site.lib.database.errors import Kind, kind_of
from scheduler_site.lib.database.migrations import ResumingExecutor, patient

# Seconds to wait for locks, and between two attempts.
WAIT_SECONDS, PAUSE_SECONDS = 600.0, 2.0


class Command(migrate.Command):
    """Without a time limit for statements, with one for locks: a lock that is not let go is asked for again, and whoever
    waits behind it goes on in between. What was half done on MySQL or MariaDB is gone on with."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        vars(migrate)["MigrationExecutor"] = ResumingExecutor
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                with patient(connection):
                    super().handle(*args, **options)
                return
            except DatabaseError as error:
                again = kind_of(error) is Kind.CONFLICT and time.monotonic() < deadline
                if not again or connection.in_atomic_block:
                    raise
                self.stderr.write(f"A lock is not free, trying again: {str(error).strip()}")
                connection.close()
                time.sleep(PAUSE_SECONDS)
