"""Definitions of runs, stored once for all runs that share one."""

from __future__ import annotations

from typing import Any

from django.db import models

# The key, in the definition that a run has for itself, of the version by which the whole is read (ledger/format_versions.py).
VERSION = "version"


class Definition(models.Model):
    """What a job's runs are told, in one version of the job. Runs name it by its key; what a run was told otherwise than the
    others is in its own row. Written and taken away by executions/ledger/definitions.py."""

    # SHA-256, in hex, of the body as JSON with sorted keys.
    digest = models.CharField(max_length=64, unique=True)
    body = models.JSONField()
    # When a run was last told it, to within a day: what nobody names is kept for a while all the same.
    used_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest


class Watermark(models.Model):
    """How far a piece of work that goes through the whole ledger has come: the key of the last row that it has seen."""

    name = models.CharField(max_length=40, unique=True)
    at = models.BigIntegerField(default=0)

    class Meta:
        # The name of the table is older than that of the class.
        db_table = "executions_mark"

    def __str__(self) -> str:
        return f"{self.name} {self.at}"


def whole(own: Any, shared: Any, *, is_open: bool) -> Any:
    """The definition of a run: the shared one, with what the run has for itself in its place.

    The row of an open run says by which version it is to be read; one that does not was damaged.
    """
    if not isinstance(own, dict) or not isinstance(shared, dict) or (is_open and VERSION not in own):
        return own
    return shared | own
