"""A decorator for receivers of Celery's signals: a process whose setup fails exits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

log = logging.getLogger("scheduler_site.essential")

# The status of a process that cannot be set up (EX_UNAVAILABLE, sysexits.h).
CANNOT_START = 69


def exit_on_error(receiver: Callable[..., None]) -> Callable[..., None]:
    """Turns exceptions into SystemExit: Celery only logs what a receiver raises, and would go on with a process that takes
    messages and does nothing with them. So it ends, and is started again."""

    @wraps(receiver)
    def essential(*args: Any, **kwargs: Any) -> None:
        try:
            receiver(*args, **kwargs)
        except Exception as error:
            log.exception(
                "cannot_start", extra={"receiver": f"{receiver.__module__}.{receiver.__qualname__}"}
            )
            raise SystemExit(CANNOT_START) from error

    return essential
