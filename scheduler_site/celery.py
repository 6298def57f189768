"""The Celery application: three queues, each with workers of its own."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from celery import Celery, signals

from scheduler_site.running.privacy import keep_private

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")


class Belfry(Celery):
    @cached_property
    def Beat(self) -> type:  # noqa: N802
        """What `celery beat` runs."""
        where: Any = "executions.worker.beat_shutdown:Beat"
        return self.subclass_with_self(where)


app = Belfry("belfry")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_init.connect
def _wait(**_: Any) -> None:
    """Before it takes its first message; the beat waits by itself."""
    from scheduler_site.running import pending_migrations

    pending_migrations.wait()


@signals.worker_init.connect
@signals.beat_init.connect
def _begin(**_: Any) -> None:
    keep_private()
