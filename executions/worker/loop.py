"""A thread that repeats one step, also after errors, with a database connection of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

log = logging.getLogger("executions.worker.loop")

# Seconds after which a connection is asked whether it still lives, and whether it is too old. In between it is used by each
# step, which finds out by itself.
ASKED = 60.0
ERRORS = (DatabaseError, InterfaceError, OSError)


class Loop(threading.Thread):
    """Calls `step` every `pause` seconds until `stopping` is set. Its log events are `<name>_waits` and `<name>_failed`."""

    def __init__(
        self, name: str, step: Callable[[], object], stopping: threading.Event, pause: float
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._step, self._stopping, self._pause = step, stopping, pause
        # By time.monotonic(): when a step was completed last, well or badly.
        self.progress_at = time.monotonic()
        self._asked_at = -ASKED

    def run(self) -> None:
        while not self._stopping.is_set():
            self._once()
            self.progress_at = time.monotonic()
            self._stopping.wait(self._pause)
        connection.close()

    def _once(self) -> None:
        try:
            self._ask_connection()
            self._step()
        except ERRORS as error:
            log.warning(f"{self.name}_waits", extra={"error": str(error)})
            connection.close()
        except Exception:
            # Whatever is wrong with one row, all others need this thread.
            log.exception(f"{self.name}_failed")
            connection.close()

    def _ask_connection(self) -> None:
        """Also after an error that the step has dealt with itself."""
        if connection.errors_occurred or time.monotonic() - self._asked_at >= ASKED:
            close_old_connections()
            self._asked_at = time.monotonic()
