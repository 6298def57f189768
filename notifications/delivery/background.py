"""A background thread for work that must not delay its caller: publishing to the broker, and deliveries outside workers."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from django.db import connection

log = logging.getLogger("notifications.delivery.background")

Call = Callable[[], object]

# What does not fit is found in the database by the next sweep.
_waiting: queue.Queue[Call] = queue.Queue(maxsize=100)
_thread: threading.Thread | None = None
_lock = threading.Lock()


def later(call: Call) -> None:
    """Has `call` made soon, after those before it; forgets it when too many wait. Never blocks, never raises."""
    global _thread
    try:
        _waiting.put_nowait(call)
    except queue.Full:
        log.warning("background_full")
    with _lock:
        # Made when it is first needed, hence anew after a fork: threads are not inherited.
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_work, name="notifications", daemon=True)
            _thread.start()


def _work() -> None:
    while True:
        call = _waiting.get()
        try:
            call()
        except Exception:
            # Whatever went wrong, the row still waits in the database, and the sweep comes again.
            log.exception("background_failed")
        finally:
            connection.close()
