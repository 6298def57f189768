"""Signs of life of processes."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """The sign of life of one process: a beat, a worker of one queue, the reconciler."""

    name = models.CharField(max_length=120, unique=True)
    role = models.CharField(max_length=16, db_index=True)
    at = models.DateTimeField()
    started_at = models.DateTimeField()
    # Seconds by which its host's clock is ahead of the database's.
    ahead = models.FloatField(default=0.0, db_default=0.0)
    # The release of the time zone rules that it came with.
    tzdata = models.CharField(max_length=16, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.role} {self.name}"
