"""Rules of time zones as they are kept (jobs/zones.py)."""

from __future__ import annotations

from django.db import models


class ZoneRules(models.Model):
    """The rules of a zone as one release of tzdata has them. All that jobs were ever worked out by are kept: they are few and
    small, and when rules change it must be known what the earlier ones said."""

    zone = models.CharField(max_length=64)
    # Of tzdata, such as 2026b; empty where it does not say.
    version = models.CharField(max_length=16)
    # A TZif file (RFC 8536).
    data = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["zone", "version"], name="one_row_per_release")]

    def __str__(self) -> str:
        return f"{self.zone} {self.version}"
