"""Tells the system workers that an operation waits. A message is only a hint: what gets lost is found by their sweep."""

from __future__ import annotations

import logging
from functools import partial

from celery import current_app
from django.db import transaction

from notifications.delivery.background import later

log = logging.getLogger("environments.announce")

TASK = "environments.operate"


def announce_soon() -> None:
    """After the commit, in a background thread."""
    transaction.on_commit(partial(later, announce))


def announce() -> None:
    try:
        current_app.send_task(TASK, queue="system", retry=False)
    except Exception as error:
        # Every kind of broker has errors of its own, and all of them mean the same here.
        log.warning("announce_failed", extra={"error": str(error)})
